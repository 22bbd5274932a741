"""Several secrets and keys of an upstream client, with their end; a tenant's own providers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Json, Moment

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("limen_upstream_clients", sa.Column("bound_to", Json(), nullable=True))
    # Spelled out: SQLite takes a check of a new column in this form alone.
    op.execute(
        "ALTER TABLE limen_upstream_client_secrets ADD COLUMN kind TEXT DEFAULT 'secret' NOT NULL "
        "CONSTRAINT ck_limen_upstream_client_secrets_kind "
        "CHECK (kind IN ('secret', 'assertion', 'signed_secret'))"
    )
    for column in (
        sa.Column("detail", Json(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("warned_days", sa.BigInteger(), nullable=True),
    ):
        op.add_column("limen_upstream_client_secrets", column)
    op.create_index(
        op.f("ix_limen_upstream_client_secrets_tenant_id_expires_at"),
        "limen_upstream_client_secrets",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "limen_provider_entries",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('own', 'override')", name=op.f("ck_limen_provider_entries_kind")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_provider_entries")),
        comment="Providers a tenant described itself, and what it says differently of shipped ones.",
    )
