"""The tables of the authorization server: clients, resources, codes, interactions, consents."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from limen.db.base import table
from limen.db.types import Id, Json, Moment

clients = table(
    "clients",
    Column("tenant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("name", sa.Text, nullable=False),
    Column("type", sa.Text, nullable=False),
    Column("auth_method", sa.Text, nullable=False),
    Column("redirect_uris", Json, nullable=False),
    Column("post_logout_redirect_uris", Json, nullable=False),
    Column("grant_types", Json, nullable=False),
    Column("scope", Json, nullable=False),
    Column("default_scope", Json, nullable=False),
    Column("allowed_origins", Json, nullable=False),
    Column("first_party", sa.Boolean, nullable=False),
    Column("trusted", sa.Boolean, nullable=False),
    Column("verified", sa.Boolean, nullable=False),
    Column("require_pkce", sa.Boolean, nullable=False),
    Column("rotates_refresh", sa.Boolean),
    Column("default_resource", sa.Text),
    Column("metadata", Json, nullable=False),
    Column("document_fresh_until", Moment),
    Column("version", sa.BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    CheckConstraint("type IN ('web', 'spa', 'native', 'machine')", name="type"),
    CheckConstraint(
        "auth_method IN ('none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', "
        "'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth')",
        name="auth_method",
    ),
    CheckConstraint("version > 0", name="version"),
    comment="Who may ask for tokens, and how",
)

client_origins = table(
    "client_origins",
    Column("tenant_id", Id, nullable=False),
    Column("origin", sa.Text, nullable=False),
    Column("client_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "origin", "client_id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "client_id"),
    comment="Clients' allowed origins once more, to be found by origin (CORS)",
)

client_logos = table(
    "client_logos",
    Column("tenant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("image", sa.LargeBinary, nullable=False),
    Column("kept_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    UniqueConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    CheckConstraint("length(image) <= 262144", name="image"),
    comment="Clients' logos as we made them, WebP; id names the very image in its URL",
)

client_secrets = table(
    "client_secrets",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("secret_hash", sa.LargeBinary),
    Column("sealed_secret", sa.LargeBinary),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "client_id"),
    CheckConstraint("secret_hash IS NULL OR length(secret_hash) = 32", name="secret_hash"),
    CheckConstraint("(secret_hash IS NULL) <> (sealed_secret IS NULL)", name="one_form"),
    comment="Hashes of clients' secrets, sealed for client_secret_jwt; two while one is rotated",
)

client_registrations = table(
    "client_registrations",
    Column("tenant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("via", sa.Text, nullable=False),
    Column("token_hash", sa.LargeBinary),
    Column("software_statement", sa.Text),
    Column("created_at", Moment, nullable=False),
    Column("unused_until", Moment),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    Index("ix_limen_client_registrations_token", "tenant_id", "token_hash", unique=True),
    Index("ix_limen_client_registrations_unused", "tenant_id", "unused_until"),
    CheckConstraint(
        "via IN ('open', 'initial_access_token', 'software_statement', 'document')", name="via"
    ),
    CheckConstraint("token_hash IS NULL OR length(token_hash) = 32", name="token_hash"),
    comment="Clients that no operator registered: how they came, until when they must be used",
)

initial_access_tokens = table(
    "initial_access_tokens",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("token_hash", sa.LargeBinary, nullable=False),
    Column("name", sa.Text, nullable=False),
    Column("uses_left", sa.BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    Index("ix_limen_initial_access_tokens_token", "tenant_id", "token_hash", unique=True),
    Index("ix_limen_initial_access_tokens_expires", "tenant_id", "expires_at"),
    CheckConstraint("length(token_hash) = 32", name="token_hash"),
    CheckConstraint("uses_left >= 0", name="uses_left"),
    comment="Leave to register clients, so many times and until then",
)

resources = table(
    "resources",
    Column("tenant_id", Id, nullable=False),
    Column("identifier", sa.Text, nullable=False),
    Column("name", sa.Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("default_scopes", Json, nullable=False),
    Column("token_format", sa.Text, nullable=False),
    Column("access_token_seconds", sa.BigInteger),
    Column("signing_alg", sa.Text, nullable=False),
    Column("claims", Json, nullable=False),
    Column("authorization_details_types", Json, nullable=False),
    Column("sender_constrained", sa.Boolean, nullable=False),
    Column("version", sa.BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    PrimaryKeyConstraint("tenant_id", "identifier"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    CheckConstraint("token_format IN ('jwt', 'opaque')", name="token_format"),
    CheckConstraint("signing_alg IN ('ES256', 'RS256', 'EdDSA')", name="signing_alg"),
    CheckConstraint(
        "access_token_seconds IS NULL OR access_token_seconds BETWEEN 1 AND 86400",
        name="access_token_seconds",
    ),
    CheckConstraint("version > 0", name="version"),
    comment="APIs that tokens are for, in canonical form, and their scopes",
)

codes = table(
    "codes",
    Column("tenant_id", Id, nullable=False),
    Column("code_hash", sa.LargeBinary, nullable=False),
    Column("grant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("scope", Json, nullable=False),
    Column("resource", sa.Text, nullable=False),
    Column("redirect_uri", sa.Text, nullable=False),
    Column("redirect_uri_sent", sa.Boolean, nullable=False),
    Column("code_challenge", sa.Text),
    Column("dpop_jkt", sa.Text),
    Column("nonce", sa.Text),
    Column("claims", Json, nullable=False),
    Column("authorization_details", Json, nullable=False),
    Column("acr", sa.Text, nullable=False),
    Column("amr", Json, nullable=False),
    Column("authenticated_at", Moment, nullable=False),
    Column("attempts", sa.BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("kept_until", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "code_hash"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "user_id", "client_id"),
    Index("ix_limen_codes_client", "tenant_id", "client_id"),
    Index("ix_limen_codes_session", "tenant_id", "session_id"),
    Index("ix_limen_codes_kept", "tenant_id", "kept_until"),
    CheckConstraint("length(code_hash) = 32", name="code_hash"),
    CheckConstraint("attempts BETWEEN 0 AND 5", name="attempts"),
    CheckConstraint("kept_until >= expires_at", name="kept_until"),
    comment="Authorization codes; kept, marked used, until what was issued from them expires",
)

interactions = table(
    "interactions",
    Column("tenant_id", Id, nullable=False),
    Column("handle_hash", sa.LargeBinary, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("bound_by", sa.Text, nullable=False),
    Column("bound_to", sa.Text, nullable=False),
    Column("request", Json, nullable=False),
    Column("redirect_uri", sa.Text, nullable=False),
    Column("resource", sa.Text, nullable=False),
    Column("scope", Json, nullable=False),
    Column("steps", Json, nullable=False),
    Column("hinted_subject", sa.Text),
    Column("authenticated_after", Moment),
    Column("user_id", Id),
    Column("session_id", Id),
    Column("is_signed", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("pushed_hash", sa.LargeBinary),
    Column("pending_hash", sa.LargeBinary),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("taken_at", Moment),
    PrimaryKeyConstraint("tenant_id", "handle_hash"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"], ondelete="CASCADE"
    ),
    Index("ix_limen_interactions_client", "tenant_id", "client_id"),
    Index("ix_limen_interactions_user", "tenant_id", "user_id"),
    Index("ix_limen_interactions_session", "tenant_id", "session_id"),
    Index("ix_limen_interactions_expires", "tenant_id", "expires_at"),
    CheckConstraint("length(handle_hash) = 32", name="handle_hash"),
    CheckConstraint("bound_by IN ('browser', 'client', 'origin', 'first_party')", name="bound_by"),
    comment="Authorization requests that wait for a person; taken by the answer",
)

pushed_requests = table(
    "pushed_requests",
    Column("tenant_id", Id, nullable=False),
    Column("request_hash", sa.LargeBinary, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("sealed_parameters", sa.LargeBinary, nullable=False),
    Column("signed", sa.Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "request_hash"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    Index("ix_limen_pushed_requests_client", "tenant_id", "client_id"),
    Index("ix_limen_pushed_requests_expires", "tenant_id", "expires_at"),
    CheckConstraint("length(request_hash) = 32", name="request_hash"),
    comment="Authorization requests that clients pushed; gone with the answer",
)

consents = table(
    "consents",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("resource", sa.Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("remembered", sa.Boolean, nullable=False),
    Column("granted_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "user_id", "client_id", "resource", unique=True),
    Index("ix_limen_consents_client", "tenant_id", "client_id"),
    comment="What a user lets a client do at a resource",
)

session_clients = table(
    "session_clients",
    Column("tenant_id", Id, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("told_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "session_id", "client_id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"], ondelete="CASCADE"
    ),
    Index("ix_limen_session_clients_client", "tenant_id", "client_id"),
    comment="Clients that learned of a session and want to be told when it ends",
)

resource_clients = table(
    "resource_clients",
    Column("tenant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("resource", sa.Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "client_id", "resource"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    comment="Which client is an API's own, and may ask about the tokens for it",
)

exchange_policies = table(
    "exchange_policies",
    Column("tenant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("policy", Json, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    comment="What a client may exchange tokens for; without a row, nothing",
)

trusted_issuers = table(
    "trusted_issuers",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("issuer", sa.Text, nullable=False),
    Column("trust", Json, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    Index("ix_limen_trusted_issuers_issuer", "tenant_id", "issuer", unique=True),
    comment="Other issuers whose assertions are taken, and what is believed of them",
)

trusted_subjects = table(
    "trusted_subjects",
    Column("tenant_id", Id, nullable=False),
    Column("issuer_id", Id, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("linked_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "issuer_id", "subject"),
    ForeignKeyConstraint(
        ["tenant_id", "issuer_id"],
        ["trusted_issuers.tenant_id", "trusted_issuers.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    ),
    Index("ix_limen_trusted_subjects_user", "tenant_id", "user_id"),
    comment="Whom another issuer's subjects stand for, as an administrator said",
)

service_accounts = table(
    "service_accounts",
    Column("tenant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("description", sa.Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("last_used_at", Moment),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    comment="Machine clients with several credentials, an expiry and a last use",
)
