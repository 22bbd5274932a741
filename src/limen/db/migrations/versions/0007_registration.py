"""Dynamic registration: how clients came, and who may register more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "limen_client_registrations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("software_statement", sa.Text(), nullable=True),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("unused_until", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "token_hash IS NULL OR length(token_hash) = 32",
            name=op.f("ck_limen_client_registrations_token_hash"),
        ),
        sa.CheckConstraint(
            "via IN ('open', 'initial_access_token', 'software_statement', 'document')",
            name=op.f("ck_limen_client_registrations_via"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_client_registrations_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "client_id", name=op.f("pk_limen_client_registrations")
        ),
        comment="Clients that no operator registered: how they came, until when they must be used",
    )
    op.create_index(
        "ix_limen_client_registrations_token",
        "limen_client_registrations",
        ["tenant_id", "token_hash"],
        unique=True,
    )
    op.create_index(
        "ix_limen_client_registrations_unused",
        "limen_client_registrations",
        ["tenant_id", "unused_until"],
        unique=False,
    )
    op.create_table(
        "limen_initial_access_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uses_left", sa.BigInteger(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "length(token_hash) = 32", name=op.f("ck_limen_initial_access_tokens_token_hash")
        ),
        sa.CheckConstraint("uses_left >= 0", name=op.f("ck_limen_initial_access_tokens_uses_left")),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_initial_access_tokens_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_initial_access_tokens")),
        comment="Leave to register clients, so many times and until then",
    )
    op.create_index(
        "ix_limen_initial_access_tokens_expires",
        "limen_initial_access_tokens",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_index(
        "ix_limen_initial_access_tokens_token",
        "limen_initial_access_tokens",
        ["tenant_id", "token_hash"],
        unique=True,
    )
