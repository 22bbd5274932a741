"""Whether the request of an interaction was signed; API keys whose API is disabled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "limen_interactions",
        sa.Column("is_signed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("limen_api_keys", sa.Column("suspended_at", limen.db.types.Moment()))
