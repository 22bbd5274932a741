"""Principals, grants and tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_principals",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("disabled_at", limen.db.types.Moment(), nullable=True),
        sa.Column("not_before", limen.db.types.Moment(), nullable=True),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint("kind IN ('user', 'client')", name=op.f("ck_limen_principals_kind")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_principals")),
        comment="Users and clients as far as their tokens are concerned.",
    )
    op.create_table(
        "limen_revoked_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "jti", name=op.f("pk_limen_revoked_tokens")),
        comment="Single access tokens that ended before their time, kept until they expire.",
    )
    op.create_index(
        op.f("ix_limen_revoked_tokens_expires_at"),
        "limen_revoked_tokens",
        ["expires_at"],
        unique=False,
    )
    op.create_table(
        "limen_grants",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("scope", limen.db.types.Json(), nullable=False),
        sa.Column("resources", limen.db.types.Json(), nullable=False),
        sa.Column("authenticated_at", limen.db.types.Moment(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("amr", limen.db.types.Json(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("bound_to", sa.Text(), nullable=False),
        sa.Column("requested_claims", limen.db.types.Json(), nullable=False),
        sa.Column("authorization_details", limen.db.types.Json(), nullable=False),
        sa.Column("started_at", limen.db.types.Moment(), nullable=False),
        sa.Column("last_used_at", limen.db.types.Moment(), nullable=True),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.Column("ended_at", limen.db.types.Moment(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("idle_until", limen.db.types.Moment(), nullable=False),
        sa.Column("grace_until", limen.db.types.Moment(), nullable=True),
        sa.Column("sealed_successor", sa.LargeBinary(), nullable=True),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_limen_grants_ended")
        ),
        sa.CheckConstraint(
            "(sealed_successor IS NULL) = (grace_until IS NULL)", name=op.f("ck_limen_grants_grace")
        ),
        sa.CheckConstraint(
            "generation >= 0 AND openings >= 0", name=op.f("ck_limen_grants_counts")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_principals.tenant_id", "limen_principals.id"],
            name=op.f("fk_limen_grants_tenant_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_principals.tenant_id", "limen_principals.id"],
            name=op.f("fk_limen_grants_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_grants")),
        comment="What a person let a client have; also the family of its refresh tokens.",
    )
    op.create_index(op.f("ix_limen_grants_ended_at"), "limen_grants", ["ended_at"], unique=False)
    op.create_index(
        op.f("ix_limen_grants_expires_at"), "limen_grants", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_limen_grants_grace_until"), "limen_grants", ["grace_until"], unique=False
    )
    op.create_index(
        op.f("ix_limen_grants_tenant_id_client_id"),
        "limen_grants",
        ["tenant_id", "client_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_grants_tenant_id_session_id"),
        "limen_grants",
        ["tenant_id", "session_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_grants_tenant_id_user_id"),
        "limen_grants",
        ["tenant_id", "user_id"],
        unique=False,
    )
    op.create_table(
        "limen_access_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("claims", limen.db.types.Json(), nullable=False),
        sa.Column("issued_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_principals.tenant_id", "limen_principals.id"],
            name=op.f("fk_limen_access_tokens_tenant_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"],
            ["limen_grants.tenant_id", "limen_grants.id"],
            name=op.f("fk_limen_access_tokens_tenant_id_grant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "token_hash", name=op.f("pk_limen_access_tokens")),
        comment="Opaque access tokens, for resources that want them.",
    )
    op.create_index(
        op.f("ix_limen_access_tokens_expires_at"),
        "limen_access_tokens",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_access_tokens_tenant_id_client_id"),
        "limen_access_tokens",
        ["tenant_id", "client_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_access_tokens_tenant_id_grant_id"),
        "limen_access_tokens",
        ["tenant_id", "grant_id"],
        unique=False,
    )
