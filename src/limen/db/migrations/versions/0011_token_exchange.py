"""Who may exchange tokens, whose word is taken, and which client is an API's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _of_clients()
    _trust()


def _of_clients() -> None:
    op.create_table(
        "limen_resource_clients",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_resource_clients_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "client_id", "resource", name=op.f("pk_limen_resource_clients")
        ),
        comment="Which client is an API's own, and may ask about the tokens for it",
    )
    op.create_table(
        "limen_exchange_policies",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("policy", limen.db.types.Json(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_exchange_policies_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "client_id", name=op.f("pk_limen_exchange_policies")),
        comment="What a client may exchange tokens for; without a row, nothing",
    )


def _trust() -> None:
    op.create_table(
        "limen_trusted_issuers",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("trust", limen.db.types.Json(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_trusted_issuers_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_trusted_issuers")),
        comment="Other issuers whose assertions are taken, and what is believed of them",
    )
    op.create_index(
        "ix_limen_trusted_issuers_issuer",
        "limen_trusted_issuers",
        ["tenant_id", "issuer"],
        unique=True,
    )
    op.create_table(
        "limen_trusted_subjects",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("linked_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "issuer_id"],
            ["limen_trusted_issuers.tenant_id", "limen_trusted_issuers.id"],
            name=op.f("fk_limen_trusted_subjects_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_trusted_subjects_tenant_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "issuer_id", "subject", name=op.f("pk_limen_trusted_subjects")
        ),
        comment="Whom another issuer's subjects stand for, as an administrator said",
    )
    op.create_index(
        "ix_limen_trusted_subjects_user",
        "limen_trusted_subjects",
        ["tenant_id", "user_id"],
        unique=False,
    )
