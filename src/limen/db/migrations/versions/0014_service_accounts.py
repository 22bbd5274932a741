"""Service accounts and API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _service_accounts()
    _api_keys()


def _service_accounts() -> None:
    op.create_table(
        "limen_service_accounts",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=True),
        sa.Column("last_used_at", limen.db.types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_service_accounts_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "client_id", name=op.f("pk_limen_service_accounts")),
        comment="Machine clients with several credentials, an expiry and a last use",
    )


def _api_keys() -> None:
    op.create_table(
        "limen_api_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", limen.db.types.Json(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", limen.db.types.Moment(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("issued_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.Column("last_used_at", limen.db.types.Moment(), nullable=True),
        sa.Column("revoked_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "(previous_hash IS NULL) = (previous_until IS NULL)",
            name=op.f("ck_limen_api_keys_previous"),
        ),
        sa.CheckConstraint("length(key_hash) = 32", name=op.f("ck_limen_api_keys_key_hash")),
        sa.CheckConstraint("generation >= 0", name=op.f("ck_limen_api_keys_generation")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_limen_api_keys_expires_at")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"],
            ["limen_principals.tenant_id", "limen_principals.id"],
            name=op.f("fk_limen_api_keys_tenant_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_api_keys")),
        comment="Keys that people and service accounts made for themselves; the hashes of them.",
    )
    op.create_index(
        "ix_limen_api_keys_key_hash", "limen_api_keys", ["tenant_id", "key_hash"], unique=True
    )
    op.create_index(
        "ix_limen_api_keys_previous_hash",
        "limen_api_keys",
        ["tenant_id", "previous_hash"],
        unique=False,
    )
    op.create_index(
        "ix_limen_api_keys_principal",
        "limen_api_keys",
        ["tenant_id", "principal_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_api_keys_expires_at"), "limen_api_keys", ["expires_at"], unique=False
    )
