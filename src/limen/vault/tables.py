"""Grants, connections, features; the journal of refreshes; revocations and releases."""

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

upstream_grants = table(
    "upstream_grants",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("upstream_client_id", sa.Text, nullable=False),
    Column("issuer", sa.Text, nullable=False),
    Column("subject", sa.Text, nullable=False),
    # The subject while the grant lives, NULL afterwards: one live grant per external account.
    Column("live_subject", sa.Text),
    Column("state", sa.Text, nullable=False),
    Column("reason", sa.Text),
    Column("generation", sa.BigInteger, nullable=False),
    Column("sealed_access", sa.LargeBinary),
    Column("sealed_refresh", sa.LargeBinary),
    Column("granted_scopes", Json, nullable=False),
    Column("requested_at", Moment(), nullable=False),
    Column("access_expires_at", Moment()),
    Column("lifetime_seconds", sa.BigInteger),
    Column("jitter_permille", sa.Integer, nullable=False),
    Column("next_refresh_at", Moment()),
    Column("failures", sa.Integer, nullable=False, server_default="0"),
    Column("retry_at", Moment()),
    # An uncertain grant's refresh token may be tried again, once, until then.
    Column("grace_until", Moment()),
    Column("lease_owner", sa.Text),
    Column("lease_until", Moment()),
    Column("fence", sa.BigInteger, nullable=False),
    Column("created_at", Moment(), nullable=False),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "provider", "upstream_client_id", "issuer", "live_subject"),
    Index(None, "next_refresh_at"),
    CheckConstraint(
        "state IN ('active', 'uncertain', 'reauth_required', 'revoked', 'erased')", name="state"
    ),
    CheckConstraint("generation > 0 AND fence >= 0", name="counters"),
    CheckConstraint(
        "state NOT IN ('revoked', 'erased') "
        "OR (sealed_access IS NULL AND sealed_refresh IS NULL AND live_subject IS NULL)",
        name="tombstone",
    ),
    comment="What one external account gave one of our clients: the token family, sealed.",
)

connections = table(
    "connections",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("grant_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("label", sa.Text, nullable=False),
    # The grant while the connection lives, NULL afterwards: one live connection per user and grant.
    Column("live_grant_id", Id),
    Column("created_at", Moment(), nullable=False),
    Column("ended_at", Moment()),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["upstream_grants.tenant_id", "upstream_grants.id"]
    ),
    UniqueConstraint("tenant_id", "user_id", "live_grant_id"),
    Index(None, "tenant_id", "live_grant_id"),
    comment="One user's use of a grant; ended ones stay as tombstones.",
)

connection_features = table(
    "connection_features",
    Column("tenant_id", Id, nullable=False),
    Column("connection_id", Id, nullable=False),
    Column("feature", Id, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("changed_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "connection_id", "feature"),
    ForeignKeyConstraint(
        ["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]
    ),
    CheckConstraint("state IN ('active', 'denied')", name="state"),
    comment="What an app switched on over a connection, and what the person left unticked.",
)

refresh_intents = table(
    "refresh_intents",
    Column("tenant_id", Id, nullable=False),
    Column("grant_id", Id, nullable=False),
    Column("fence", sa.BigInteger, nullable=False),
    Column("generation", sa.BigInteger, nullable=False),
    Column("refresh_fingerprint", sa.LargeBinary, nullable=False),
    Column("sent_at", Moment(), nullable=False),
    Column("sealed_response", sa.LargeBinary),
    PrimaryKeyConstraint("tenant_id", "grant_id", "fence"),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["upstream_grants.tenant_id", "upstream_grants.id"]
    ),
    comment="The journal: refreshes under way, and answers not yet committed. Empty at rest.",
)

connect_links = table(
    "connect_links",
    Column("tenant_id", Id, nullable=False),
    Column("token_hash", sa.LargeBinary, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("wanted", Json, nullable=False),
    Column("expires_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "token_hash"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    Index(None, "tenant_id", "expires_at"),
    comment="Connections begun without a browser, to be continued in their user's own.",
)

token_releases = table(
    "token_releases",
    Column("tenant_id", Id, nullable=False),
    Column("connection_id", Id, nullable=False),
    Column("reader", Id, nullable=False),
    Column("generation", sa.BigInteger, nullable=False),
    Column("released_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "connection_id", "reader"),
    ForeignKeyConstraint(
        ["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]
    ),
    comment="Which generation of a token each reader was last given; each first time is audited.",
)

upstream_revocations = table(
    "upstream_revocations",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("grant_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("reason", sa.Text, nullable=False),
    Column("sealed_tokens", sa.LargeBinary),
    Column("outcome", sa.Text),
    Column("created_at", Moment(), nullable=False),
    Column("settled_at", Moment()),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["upstream_grants.tenant_id", "upstream_grants.id"]
    ),
    Index(None, "tenant_id", "grant_id"),
    CheckConstraint("outcome IN ('revoked', 'already_gone', 'no_endpoint')", name="outcome"),
    comment="Tokens to be revoked at their provider; settled ones are receipts without tokens.",
)
