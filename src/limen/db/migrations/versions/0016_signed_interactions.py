"""Whether the request that an interaction keeps was signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("is_signed", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("limen_interactions", column)
