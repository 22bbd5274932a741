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

from limen.db.base import partial_index, table
from limen.db.types import Id, Json, Moment, Ordered

upstream_grants = table(
    "upstream_grants",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("upstream_client_id", sa.Text, nullable=False),
    Column("issuer", sa.Text, nullable=False),
    Column("subject", sa.Text, nullable=False),
    # The subject while the grant lives, NULL afterwards: one live grant per external account.
    # Asked for by its beginning too: all of one workspace, all parts of one account.
    Column("live_subject", Ordered),
    # How it came: by its person's consent, or as a credential of theirs.
    Column("kind", sa.Text, nullable=False, server_default="consent"),
    Column("state", sa.Text, nullable=False),
    Column("reason", sa.Text),
    Column("generation", sa.BigInteger, nullable=False),
    # Of the access token, where only the refresh token beside it is newer.
    Column("access_generation", sa.BigInteger),
    Column("sealed_access", sa.LargeBinary),
    Column("sealed_refresh", sa.LargeBinary),
    Column("granted_scopes", Json, nullable=False),
    # What the token's answer said beside it and is no secret: the account's own API address.
    Column("lifted", Json, nullable=False, server_default="{}"),
    Column("requested_at", Moment(), nullable=False),
    Column("access_expires_at", Moment()),
    Column("lifetime_seconds", sa.BigInteger),
    Column("jitter_permille", sa.Integer, nullable=False),
    Column("next_refresh_at", Moment()),
    Column("failures", sa.Integer, nullable=False, server_default="0"),
    Column("retry_at", Moment()),
    # An uncertain grant's refresh token may be tried again, once, until then.
    Column("grace_until", Moment()),
    # When its person agreed, and when the refresh token ends whatever is refreshed.
    Column("consented_at", Moment()),
    Column("refresh_ends_at", Moment()),
    # By when its person must have connected again, as far as is known; next reminder of it.
    Column("reconnect_by", Moment()),
    Column("remind_at", Moment()),
    # When the provider last took a credential.
    Column("verified_at", Moment()),
    Column("lease_owner", sa.Text),
    Column("lease_until", Moment()),
    Column("fence", sa.BigInteger, nullable=False),
    Column("created_at", Moment(), nullable=False),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "provider", "upstream_client_id", "issuer", "live_subject"),
    Index(None, "next_refresh_at"),
    Index(None, "tenant_id", "remind_at"),
    Index(None, "tenant_id", "issuer", "live_subject"),
    CheckConstraint(
        "state IN ('active', 'uncertain', 'reauth_required', 'revoked', 'erased')", name="state"
    ),
    CheckConstraint(
        "kind IN ('consent', 'api_key', 'basic', 'client_credentials', 'service_account')",
        name="kind",
    ),
    CheckConstraint("generation > 0 AND fence >= 0", name="counters"),
    CheckConstraint(
        "state NOT IN ('revoked', 'erased') "
        "OR (sealed_access IS NULL AND sealed_refresh IS NULL AND live_subject IS NULL)",
        name="tombstone",
    ),
    comment="What one external account gave one of our clients: the token family, sealed.",
)

resource_tokens = table(
    "resource_tokens",
    Column("tenant_id", Id, nullable=False),
    Column("grant_id", Id, nullable=False),
    Column("resource", Id, nullable=False),
    # What the token is for: a name that means another place by now finds no token here.
    Column("audience", sa.Text, nullable=False),
    Column("generation", sa.BigInteger, nullable=False),
    Column("sealed_access", sa.LargeBinary),
    Column("granted_scopes", Json, nullable=False),
    Column("requested_at", Moment(), nullable=False),
    Column("access_expires_at", Moment()),
    Column("lifetime_seconds", sa.BigInteger),
    # Why the provider gave none when it was asked last.
    Column("refused", sa.Text),
    PrimaryKeyConstraint("tenant_id", "grant_id", "resource"),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["upstream_grants.tenant_id", "upstream_grants.id"]
    ),
    CheckConstraint("refused IN ('consent', 'refused', 'not_its_own')", name="refused"),
    CheckConstraint("refused IS NULL OR sealed_access IS NULL", name="one_of_two"),
    comment="Access tokens for a provider's other resources, got with a grant's refresh token.",
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
    # The tenant's own are kept by whoever connected them, and are none of theirs.
    Column("belongs_to", sa.Text, nullable=False, server_default="person"),
    Column("nickname", sa.Text, nullable=False, server_default=""),
    Column("tags", Json, nullable=False, server_default="[]"),
    Column("metadata", Json, nullable=False, server_default="{}"),
    Column("created_at", Moment(), nullable=False),
    Column("ended_at", Moment()),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["upstream_grants.tenant_id", "upstream_grants.id"]
    ),
    UniqueConstraint("tenant_id", "user_id", "live_grant_id"),
    Index(None, "tenant_id", "live_grant_id"),
    # A page of somebody's, newest first: without it a plan may read all of the tenant's.
    Index(None, "tenant_id", "user_id", "id"),
    partial_index(
        "ix_limen_connections_of_tenants", "tenant_id", "id", where="belongs_to = 'tenant'"
    ),
    comment="One user's use of a grant; ended ones stay as tombstones.",
)

connection_features = table(
    "connection_features",
    Column("tenant_id", Id, nullable=False),
    Column("connection_id", Id, nullable=False),
    Column("feature", Id, nullable=False),
    Column("state", sa.Text, nullable=False),
    # How often its person said no, and when they did last: nobody is asked again at once.
    Column("denials", sa.Integer, nullable=False, server_default="0"),
    Column("denied_at", Moment()),
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
    # Why a settled one has no outcome: nobody was asked.
    Column("unsent", sa.Text),
    Column("created_at", Moment(), nullable=False),
    Column("settled_at", Moment()),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["upstream_grants.tenant_id", "upstream_grants.id"]
    ),
    Index(None, "tenant_id", "grant_id"),
    Index(None, "tenant_id", "settled_at", "created_at"),
    CheckConstraint("outcome IN ('revoked', 'already_gone', 'no_endpoint')", name="outcome"),
    comment="Tokens to be revoked at their provider; settled ones are receipts without tokens.",
)

declared_features = table(
    "declared_features",
    Column("tenant_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("feature", Id, nullable=False),
    Column("title", sa.Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "provider", "feature"),
    ForeignKeyConstraint(
        ["tenant_id", "provider"],
        ["upstream_clients.tenant_id", "upstream_clients.provider"],
        ondelete="CASCADE",
    ),
    comment="Features that a tenant's apps declare beside those of the catalogue.",
)

release_policies = table(
    "release_policies",
    Column("tenant_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("mode", sa.Text, nullable=False),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    CheckConstraint("mode IN ('raw', 'proxy', 'none')", name="mode"),
    comment="How a client may use connections that people share with it; without a row not at all.",
)

connection_consents = table(
    "connection_consents",
    Column("tenant_id", Id, nullable=False),
    Column("connection_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("features", Json, nullable=False),
    Column("scopes", Json, nullable=False),
    # What they agreed to; the client's policy may have become another since.
    Column("mode", sa.Text, nullable=False, server_default="proxy"),
    Column("given_by", Id, nullable=False),
    Column("given_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "connection_id", "client_id"),
    ForeignKeyConstraint(
        ["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]
    ),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "client_id"),
    CheckConstraint("mode IN ('raw', 'proxy')", name="mode"),
    comment="Which client may use which connection, and for what, as its owner agreed.",
)

api_pauses = table(
    "api_pauses",
    Column("tenant_id", Id, nullable=False),
    Column("grant_id", Id, nullable=False),
    Column("host", sa.Text, nullable=False),
    Column("until", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "grant_id", "host"),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["upstream_grants.tenant_id", "upstream_grants.id"]
    ),
    comment="Until when a provider's API wants to be left alone, as it said itself.",
)

quota_days = table(
    "quota_days",
    Column("tenant_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("upstream_client_id", sa.Text, nullable=False),
    Column("bucket", sa.Text, nullable=False),
    Column("day", sa.Text, nullable=False),
    Column("units", sa.BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "provider", "upstream_client_id", "bucket", "day"),
    Index(None, "tenant_id", "day"),
    CheckConstraint("units >= 0", name="counted"),
    comment="What one of our clients at a provider has used of its quota, by the provider's day.",
)

quota_uses = table(
    "quota_uses",
    Column("tenant_id", Id, nullable=False),
    Column("connection_id", Id, nullable=False),
    # Empty for the connection's owner.
    Column("client_id", Id, nullable=False),
    Column("bucket", sa.Text, nullable=False),
    Column("day", sa.Text, nullable=False),
    Column("provider", Id, nullable=False),
    Column("calls", sa.BigInteger, nullable=False),
    Column("units", sa.BigInteger, nullable=False),
    Column("reported_units", sa.BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "connection_id", "client_id", "bucket", "day"),
    ForeignKeyConstraint(
        ["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]
    ),
    Index(None, "tenant_id", "day"),
    CheckConstraint("calls >= 0 AND units >= 0 AND reported_units >= 0", name="counted"),
    comment="Who used how much of a quota over which connection, by the provider's day.",
)

erasures = table(
    "erasures",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("connections", Json, nullable=False),
    Column("grants", Json, nullable=False),
    Column("asked_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index(None, "tenant_id", "user_id"),
    comment="What was erased for whom, by ids alone: the record that survives.",
)
