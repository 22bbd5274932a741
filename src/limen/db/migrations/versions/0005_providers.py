"""Providers, identities, upstream grants, connections, the refresh journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_upstream_authorizations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("upstream_client_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_verifier", sa.LargeBinary(), nullable=False),
        sa.Column("nonce_hash", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("detail", limen.db.types.Json(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('sign_in', 'connect')",
            name=op.f("ck_limen_upstream_authorizations_purpose"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "state_hash", name=op.f("pk_limen_upstream_authorizations")
        ),
        comment="Browsers away at a provider: one row per state, taken once at the callback.",
    )
    op.create_index(
        op.f("ix_limen_upstream_authorizations_tenant_id_expires_at"),
        "limen_upstream_authorizations",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "limen_upstream_clients",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("config", limen.db.types.Json(), nullable=False),
        sa.Column("state", sa.Text(), server_default="enabled", nullable=False),
        sa.Column("incident", sa.Text(), nullable=True),
        sa.Column("blocked_until", limen.db.types.Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('enabled', 'disabled')", name=op.f("ck_limen_upstream_clients_state")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "provider", name=op.f("pk_limen_upstream_clients")),
        comment="What each provider registered us as; incident: why it refuses us as a whole.",
    )
    op.create_table(
        "limen_upstream_grants",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("upstream_client_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("live_subject", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("sealed_access", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_refresh", sa.LargeBinary(), nullable=True),
        sa.Column("granted_scopes", limen.db.types.Json(), nullable=False),
        sa.Column("requested_at", limen.db.types.Moment(), nullable=False),
        sa.Column("access_expires_at", limen.db.types.Moment(), nullable=True),
        sa.Column("lifetime_seconds", sa.BigInteger(), nullable=True),
        sa.Column("jitter_permille", sa.Integer(), nullable=False),
        sa.Column("next_refresh_at", limen.db.types.Moment(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", limen.db.types.Moment(), nullable=True),
        sa.Column("grace_until", limen.db.types.Moment(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", limen.db.types.Moment(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'uncertain', 'reauth_required', 'revoked', 'erased')",
            name=op.f("ck_limen_upstream_grants_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('revoked', 'erased') OR (sealed_access IS NULL AND sealed_refresh IS NULL AND live_subject IS NULL)",
            name=op.f("ck_limen_upstream_grants_tombstone"),
        ),
        sa.CheckConstraint(
            "generation > 0 AND fence >= 0", name=op.f("ck_limen_upstream_grants_counters")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_upstream_grants")),
        sa.UniqueConstraint(
            "tenant_id",
            "provider",
            "upstream_client_id",
            "issuer",
            "live_subject",
            name=op.f(
                "uq_limen_upstream_grants_tenant_id_provider_upstream_client_id_issuer_live_subject"
            ),
        ),
        comment="What one external account gave one of our clients: the token family, sealed.",
    )
    op.create_index(
        op.f("ix_limen_upstream_grants_next_refresh_at"),
        "limen_upstream_grants",
        ["next_refresh_at"],
        unique=False,
    )
    op.create_table(
        "limen_refresh_intents",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("refresh_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", limen.db.types.Moment(), nullable=False),
        sa.Column("sealed_response", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"],
            ["limen_upstream_grants.tenant_id", "limen_upstream_grants.id"],
            name=op.f("fk_limen_refresh_intents_tenant_id_grant_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "grant_id", "fence", name=op.f("pk_limen_refresh_intents")
        ),
        comment="The journal: refreshes under way, and answers not yet committed. Empty at rest.",
    )
    op.create_table(
        "limen_upstream_client_secrets",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provider"],
            ["limen_upstream_clients.tenant_id", "limen_upstream_clients.provider"],
            name=op.f("fk_limen_upstream_client_secrets_tenant_id_provider"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "provider", "id", name=op.f("pk_limen_upstream_client_secrets")
        ),
        comment="Secrets of our clients at providers, newest tried first; two while rotating.",
    )
    op.create_table(
        "limen_upstream_revocations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sealed_tokens", sa.LargeBinary(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("settled_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('revoked', 'already_gone', 'no_endpoint')",
            name=op.f("ck_limen_upstream_revocations_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"],
            ["limen_upstream_grants.tenant_id", "limen_upstream_grants.id"],
            name=op.f("fk_limen_upstream_revocations_tenant_id_grant_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_upstream_revocations")),
        comment="Tokens to be revoked at their provider; settled ones are receipts without tokens.",
    )
    op.create_index(
        op.f("ix_limen_upstream_revocations_tenant_id_grant_id"),
        "limen_upstream_revocations",
        ["tenant_id", "grant_id"],
        unique=False,
    )
    op.create_table(
        "limen_connect_links",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("wanted", limen.db.types.Json(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_connect_links_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "token_hash", name=op.f("pk_limen_connect_links")),
        comment="Connections begun without a browser, to be continued in their user's own.",
    )
    op.create_index(
        op.f("ix_limen_connect_links_tenant_id_expires_at"),
        "limen_connect_links",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "limen_connections",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("live_grant_id", sa.Text(), nullable=True),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("ended_at", limen.db.types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"],
            ["limen_upstream_grants.tenant_id", "limen_upstream_grants.id"],
            name=op.f("fk_limen_connections_tenant_id_grant_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_connections_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_connections")),
        sa.UniqueConstraint(
            "tenant_id",
            "user_id",
            "live_grant_id",
            name=op.f("uq_limen_connections_tenant_id_user_id_live_grant_id"),
        ),
        comment="One user's use of a grant; ended ones stay as tombstones.",
    )
    op.create_index(
        op.f("ix_limen_connections_tenant_id_live_grant_id"),
        "limen_connections",
        ["tenant_id", "live_grant_id"],
        unique=False,
    )
    op.create_table(
        "limen_identities",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("linked_at", limen.db.types.Moment(), nullable=False),
        sa.Column("last_used_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_identities_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "issuer", "subject", name=op.f("pk_limen_identities")),
        comment="Which account an external identity is; e-mail addresses play no part in it.",
    )
    op.create_index(
        op.f("ix_limen_identities_tenant_id_user_id"),
        "limen_identities",
        ["tenant_id", "user_id"],
        unique=False,
    )
    op.create_table(
        "limen_connection_features",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'denied')", name=op.f("ck_limen_connection_features_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["limen_connections.tenant_id", "limen_connections.id"],
            name=op.f("fk_limen_connection_features_tenant_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "connection_id", "feature", name=op.f("pk_limen_connection_features")
        ),
        comment="What an app switched on over a connection, and what the person left unticked.",
    )
    op.create_table(
        "limen_token_releases",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("released_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["limen_connections.tenant_id", "limen_connections.id"],
            name=op.f("fk_limen_token_releases_tenant_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "connection_id", "reader", name=op.f("pk_limen_token_releases")
        ),
        comment="Which generation of a token each reader was last given; each first time is audited.",
    )
