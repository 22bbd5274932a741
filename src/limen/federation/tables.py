"""Our clients at providers, authorizations under way, and whose external identity is whose."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment

upstream_clients = table(
    "upstream_clients",
    Column("tenant_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("client_id", sa.Text, nullable=False),
    Column("config", Json, nullable=False),
    Column("state", sa.Text, nullable=False, server_default="enabled"),
    Column("incident", sa.Text),
    Column("blocked_until", Moment()),
    Column("incident_since", Moment()),
    Column("last_incident", sa.Text),
    # Which grants failed since the last success: many of them are an incident.
    Column("failing", Json),
    Column("failing_since", Moment()),
    Column("rate_level", sa.Float),
    Column("rate_at", Moment()),
    Column("bound_to", Json),
    Column("version", sa.BigInteger, nullable=False, server_default="1"),
    Column("created_at", Moment(), nullable=False),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "provider"),
    sa.CheckConstraint("state IN ('enabled', 'disabled')", name="state"),
    comment="What each provider registered us as; incident: why it refuses us as a whole.",
)

upstream_client_secrets = table(
    "upstream_client_secrets",
    Column("tenant_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False, server_default="secret"),
    Column("detail", Json),
    Column("sealed_secret", sa.LargeBinary, nullable=False),
    Column("created_at", Moment(), nullable=False),
    Column("expires_at", Moment()),
    Column("warned_days", sa.BigInteger),
    PrimaryKeyConstraint("tenant_id", "provider", "id"),
    sa.CheckConstraint("kind IN ('secret', 'assertion', 'signed_secret')", name="kind"),
    Index(None, "tenant_id", "expires_at"),
    ForeignKeyConstraint(
        ["tenant_id", "provider"],
        ["upstream_clients.tenant_id", "upstream_clients.provider"],
        ondelete="CASCADE",
    ),
    comment="Secrets of our clients at providers, newest tried first; two while rotating.",
)

provider_entries = table(
    "provider_entries",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("document", Json, nullable=False),
    Column("created_at", Moment(), nullable=False),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint("kind IN ('own', 'override')", name="kind"),
    comment="Providers a tenant described itself, and what it says differently of shipped ones.",
)

upstream_authorizations = table(
    "upstream_authorizations",
    Column("tenant_id", Id, nullable=False),
    Column("state_hash", sa.LargeBinary, nullable=False),
    Column("purpose", sa.Text, nullable=False),
    Column("provider", Id, nullable=False),
    Column("upstream_client_id", sa.Text, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("browser_hash", sa.LargeBinary, nullable=False),
    Column("sealed_verifier", sa.LargeBinary, nullable=False),
    Column("nonce_hash", sa.LargeBinary, nullable=False),
    Column("redirect_uri", sa.Text, nullable=False),
    Column("detail", Json, nullable=False),
    Column("expires_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "state_hash"),
    Index(None, "tenant_id", "expires_at"),
    sa.CheckConstraint("purpose IN ('sign_in', 'connect')", name="purpose"),
    comment="Browsers away at a provider: one row per state, taken once at the callback.",
)

identities = table(
    "identities",
    Column("tenant_id", Id, nullable=False),
    Column("issuer", sa.Text, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("linked_at", Moment(), nullable=False),
    Column("last_used_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "issuer", "subject"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    Index(None, "tenant_id", "user_id"),
    comment="Which account an external identity is; e-mail addresses play no part in it.",
)
