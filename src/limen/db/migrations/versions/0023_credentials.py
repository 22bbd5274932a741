"""API keys, passwords, client credentials and service accounts beside people's consent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Moment

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Spelled out: SQLite takes a check of a new column in this form alone.
    op.execute(
        "ALTER TABLE limen_upstream_grants ADD COLUMN kind TEXT DEFAULT 'consent' NOT NULL "
        "CONSTRAINT ck_limen_upstream_grants_kind "
        "CHECK (kind IN ('consent', 'api_key', 'basic', 'client_credentials', 'service_account'))"
    )
    op.add_column("limen_upstream_grants", sa.Column("verified_at", Moment(), nullable=True))
