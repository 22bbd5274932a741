"""Clients, resources, codes, interactions, consents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_clients",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("auth_method", sa.Text(), nullable=False),
        sa.Column("redirect_uris", limen.db.types.Json(), nullable=False),
        sa.Column("post_logout_redirect_uris", limen.db.types.Json(), nullable=False),
        sa.Column("grant_types", limen.db.types.Json(), nullable=False),
        sa.Column("scope", limen.db.types.Json(), nullable=False),
        sa.Column("default_scope", limen.db.types.Json(), nullable=False),
        sa.Column("allowed_origins", limen.db.types.Json(), nullable=False),
        sa.Column("first_party", sa.Boolean(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("require_pkce", sa.Boolean(), nullable=False),
        sa.Column("rotates_refresh", sa.Boolean(), nullable=True),
        sa.Column("default_resource", sa.Text(), nullable=True),
        sa.Column("metadata", limen.db.types.Json(), nullable=False),
        sa.Column("document_fresh_until", limen.db.types.Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.Column("disabled_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "auth_method IN ('none', 'client_secret_basic', 'client_secret_post', "
            "'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', "
            "'self_signed_tls_client_auth')",
            name=op.f("ck_limen_clients_auth_method"),
        ),
        sa.CheckConstraint(
            "type IN ('web', 'spa', 'native', 'machine')", name=op.f("ck_limen_clients_type")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_limen_clients_version")),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_clients_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "client_id", name=op.f("pk_limen_clients")),
        comment="Who may ask for tokens, and how",
    )
    op.create_table(
        "limen_idempotent_answers",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "status BETWEEN 200 AND 299", name=op.f("ck_limen_idempotent_answers_status")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_idempotent_answers_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "key_hash", name=op.f("pk_limen_idempotent_answers")),
        comment="What was answered to a request with an Idempotency-Key, sealed, for a day",
    )
    op.create_index(
        op.f("ix_limen_idempotent_answers_tenant_id_expires_at"),
        "limen_idempotent_answers",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "limen_resources",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", limen.db.types.Json(), nullable=False),
        sa.Column("default_scopes", limen.db.types.Json(), nullable=False),
        sa.Column("token_format", sa.Text(), nullable=False),
        sa.Column("access_token_seconds", sa.BigInteger(), nullable=True),
        sa.Column("signing_alg", sa.Text(), nullable=False),
        sa.Column("claims", limen.db.types.Json(), nullable=False),
        sa.Column("authorization_details_types", limen.db.types.Json(), nullable=False),
        sa.Column("sender_constrained", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.Column("disabled_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "token_format IN ('jwt', 'opaque')", name=op.f("ck_limen_resources_token_format")
        ),
        sa.CheckConstraint(
            "signing_alg IN ('ES256', 'RS256', 'EdDSA')",
            name=op.f("ck_limen_resources_signing_alg"),
        ),
        sa.CheckConstraint(
            "access_token_seconds IS NULL OR access_token_seconds BETWEEN 1 AND 86400",
            name=op.f("ck_limen_resources_access_token_seconds"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_limen_resources_version")),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_resources_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "identifier", name=op.f("pk_limen_resources")),
        comment="APIs that tokens are for, in canonical form, and their scopes",
    )
    op.create_table(
        "limen_client_origins",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_client_origins_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "origin", "client_id", name=op.f("pk_limen_client_origins")
        ),
        comment="Clients' allowed origins once more, to be found by origin (CORS)",
    )
    op.create_index(
        op.f("ix_limen_client_origins_tenant_id_client_id"),
        "limen_client_origins",
        ["tenant_id", "client_id"],
        unique=False,
    )
    op.create_table(
        "limen_client_secrets",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "(secret_hash IS NULL) <> (sealed_secret IS NULL)",
            name=op.f("ck_limen_client_secrets_one_form"),
        ),
        sa.CheckConstraint(
            "secret_hash IS NULL OR length(secret_hash) = 32",
            name=op.f("ck_limen_client_secrets_secret_hash"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_client_secrets_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_client_secrets")),
        comment="Hashes of clients' secrets, sealed for client_secret_jwt; two while one is rotated",
    )
    op.create_index(
        op.f("ix_limen_client_secrets_tenant_id_client_id"),
        "limen_client_secrets",
        ["tenant_id", "client_id"],
        unique=False,
    )
    op.create_table(
        "limen_consents",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("scopes", limen.db.types.Json(), nullable=False),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("granted_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_consents_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_consents_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_consents")),
        comment="What a user lets a client do at a resource",
    )
    op.create_index(
        "ix_limen_consents_client", "limen_consents", ["tenant_id", "client_id"], unique=False
    )
    op.create_index(
        op.f("ix_limen_consents_tenant_id_user_id_client_id_resource"),
        "limen_consents",
        ["tenant_id", "user_id", "client_id", "resource"],
        unique=True,
    )
    op.create_table(
        "limen_codes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("scope", limen.db.types.Json(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("redirect_uri_sent", sa.Boolean(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("dpop_jkt", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("claims", limen.db.types.Json(), nullable=False),
        sa.Column("authorization_details", limen.db.types.Json(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("amr", limen.db.types.Json(), nullable=False),
        sa.Column("authenticated_at", limen.db.types.Moment(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.Column("used_at", limen.db.types.Moment(), nullable=True),
        sa.Column("kept_until", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint("attempts BETWEEN 0 AND 5", name=op.f("ck_limen_codes_attempts")),
        sa.CheckConstraint("kept_until >= expires_at", name=op.f("ck_limen_codes_kept_until")),
        sa.CheckConstraint("length(code_hash) = 32", name=op.f("ck_limen_codes_code_hash")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_codes_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["limen_sessions.tenant_id", "limen_sessions.id"],
            name=op.f("fk_limen_codes_tenant_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_codes_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "code_hash", name=op.f("pk_limen_codes")),
        comment="Authorization codes; kept, marked used, until what was issued from them expires",
    )
    op.create_index(
        "ix_limen_codes_client", "limen_codes", ["tenant_id", "client_id"], unique=False
    )
    op.create_index("ix_limen_codes_kept", "limen_codes", ["tenant_id", "kept_until"], unique=False)
    op.create_index(
        "ix_limen_codes_session", "limen_codes", ["tenant_id", "session_id"], unique=False
    )
    op.create_index(
        op.f("ix_limen_codes_tenant_id_user_id_client_id"),
        "limen_codes",
        ["tenant_id", "user_id", "client_id"],
        unique=False,
    )
    op.create_table(
        "limen_interactions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("handle_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("bound_by", sa.Text(), nullable=False),
        sa.Column("bound_to", sa.Text(), nullable=False),
        sa.Column("request", limen.db.types.Json(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("scope", limen.db.types.Json(), nullable=False),
        sa.Column("steps", limen.db.types.Json(), nullable=False),
        sa.Column("hinted_subject", sa.Text(), nullable=True),
        sa.Column("authenticated_after", limen.db.types.Moment(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("pushed_hash", sa.LargeBinary(), nullable=True),
        sa.Column("pending_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.Column("taken_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "bound_by IN ('browser', 'client', 'origin', 'first_party')",
            name=op.f("ck_limen_interactions_bound_by"),
        ),
        sa.CheckConstraint(
            "length(handle_hash) = 32", name=op.f("ck_limen_interactions_handle_hash")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_interactions_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["limen_sessions.tenant_id", "limen_sessions.id"],
            name=op.f("fk_limen_interactions_tenant_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_interactions_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "handle_hash", name=op.f("pk_limen_interactions")),
        comment="Authorization requests that wait for a person; taken by the answer",
    )
    op.create_index(
        "ix_limen_interactions_client",
        "limen_interactions",
        ["tenant_id", "client_id"],
        unique=False,
    )
    op.create_index(
        "ix_limen_interactions_expires",
        "limen_interactions",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_index(
        "ix_limen_interactions_session",
        "limen_interactions",
        ["tenant_id", "session_id"],
        unique=False,
    )
    op.create_index(
        "ix_limen_interactions_user", "limen_interactions", ["tenant_id", "user_id"], unique=False
    )
