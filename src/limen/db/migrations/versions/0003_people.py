"""People, sessions, roles, throttling."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_sign_in_throttles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("credit", sa.Integer(), nullable=False),
        sa.Column("blocked_until", limen.db.types.Moment(), nullable=False),
        sa.Column("last_at", limen.db.types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_hash", name=op.f("pk_limen_sign_in_throttles")),
        comment="Attempts at a secret, per account, address block or device; keys are hashed.",
    )
    op.create_index(
        op.f("ix_limen_sign_in_throttles_tenant_id_last_at"),
        "limen_sign_in_throttles",
        ["tenant_id", "last_at"],
        unique=False,
    )
    op.create_table(
        "limen_role_grants",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("granted_at", limen.db.types.Moment(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('user', 'client')", name=op.f("ck_limen_role_grants_kind")),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'auditor', 'member')",
            name=op.f("ck_limen_role_grants_role"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"],
            ["limen_principals.tenant_id", "limen_principals.id"],
            name=op.f("fk_limen_role_grants_tenant_id_principal_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "principal_id", "role", name=op.f("pk_limen_role_grants")
        ),
        comment="Roles of people and of machine clients; every active person is a member without a row",
    )
    op.create_index(
        op.f("ix_limen_role_grants_tenant_id_role_principal_id"),
        "limen_role_grants",
        ["tenant_id", "role", "principal_id"],
        unique=False,
    )
    op.create_table(
        "limen_users",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_verified_at", limen.db.types.Moment(), nullable=True),
        sa.Column("claims", limen.db.types.Json(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'disabled', 'closed')", name=op.f("ck_limen_users_state")
        ),
        sa.CheckConstraint(
            "email IS NOT NULL OR email_verified_at IS NULL", name=op.f("ck_limen_users_verified")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_users_tenant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_users")),
        comment="People; the OpenID Connect standard claims lie in claims",
    )
    op.create_table(
        "limen_account_notices",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sent_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_account_notices_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "user_id", "kind", name=op.f("pk_limen_account_notices")
        ),
        comment="When a person was last told of something strangers can cause",
    )
    op.create_table(
        "limen_account_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("claims", limen.db.types.Json(), nullable=True),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('verify', 'reset')", name=op.f("ck_limen_account_tokens_purpose")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_limen_account_tokens_attempts")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_account_tokens_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_account_tokens")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_limen_account_tokens_tenant_id_token_hash")
        ),
        comment="Links and codes mailed to people, as hashes; taken by deleting the row",
    )
    op.create_index(
        op.f("ix_limen_account_tokens_tenant_id_address_purpose"),
        "limen_account_tokens",
        ["tenant_id", "address", "purpose"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_account_tokens_tenant_id_expires_at"),
        "limen_account_tokens",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_account_tokens_tenant_id_user_id_purpose"),
        "limen_account_tokens",
        ["tenant_id", "user_id", "purpose"],
        unique=False,
    )
    op.create_table(
        "limen_passwords",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_passwords_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name=op.f("pk_limen_passwords")),
        comment="Argon2id hashes; no row, no password",
    )
    op.create_table(
        "limen_sessions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("amr", limen.db.types.Json(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("started_at", limen.db.types.Moment(), nullable=False),
        sa.Column("authenticated_at", limen.db.types.Moment(), nullable=False),
        sa.Column("last_seen_at", limen.db.types.Moment(), nullable=False),
        sa.Column("idle_until", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.Column("ended_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'tokens') = (token_hash IS NULL)", name=op.f("ck_limen_sessions_cookie")
        ),
        sa.CheckConstraint(
            "kind IN ('browser', 'tokens', 'host')", name=op.f("ck_limen_sessions_kind")
        ),
        sa.CheckConstraint("idle_until <= expires_at", name=op.f("ck_limen_sessions_lifetimes")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_sessions_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_sessions")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_limen_sessions_tenant_id_token_hash")
        ),
        comment="Who is signed in where, since when and how; the cookie's value is kept as a hash",
    )
    op.create_index(
        op.f("ix_limen_sessions_tenant_id_expires_at"),
        "limen_sessions",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_sessions_tenant_id_user_id_ended_at"),
        "limen_sessions",
        ["tenant_id", "user_id", "ended_at"],
        unique=False,
    )
    op.create_table(
        "limen_user_identifiers",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('email', 'host')", name=op.f("ck_limen_user_identifiers_kind")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_user_identifiers_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "kind", "value", name=op.f("pk_limen_user_identifiers")
        ),
        comment="What names one person in a tenant, in its one canonical form",
    )
    op.create_index(
        op.f("ix_limen_user_identifiers_tenant_id_user_id"),
        "limen_user_identifiers",
        ["tenant_id", "user_id"],
        unique=False,
    )
