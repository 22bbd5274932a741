"""Tables of what was granted. Tokens themselves are not here: hashes, or nothing at all."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from limen.db.base import table
from limen.db.types import Id, Json, Moment

principals: Final = table(
    "principals",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("disabled_at", Moment()),
    sa.Column("not_before", Moment()),
    sa.Column("expires_at", Moment()),
    # Not (tenant, kind, id): no client may have the id of a user, or its `sub` would be the
    # user's (RFC 9700 section 4.15, N097).
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint("kind IN ('user', 'client')", name="kind"),
    comment="Users and clients as far as their tokens are concerned.",
)

grants: Final = table(
    "grants",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("client_id", Id, nullable=False),
    sa.Column("user_id", Id, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("scope", Json(), nullable=False),
    sa.Column("resources", Json(), nullable=False),
    sa.Column("authenticated_at", Moment(), nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("amr", Json(), nullable=False),
    sa.Column("session_id", Id),
    sa.Column("bound_to", sa.Text, nullable=False),
    sa.Column("requested_claims", Json(), nullable=False),
    sa.Column("authorization_details", Json(), nullable=False),
    sa.Column("started_at", Moment(), nullable=False),
    sa.Column("last_used_at", Moment()),
    sa.Column("expires_at", Moment(), nullable=False),
    sa.Column("ended_at", Moment()),
    sa.Column("end_reason", sa.Text),
    sa.Column("refresh_hash", sa.LargeBinary),
    sa.Column("previous_hash", sa.LargeBinary),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("idle_until", Moment(), nullable=False),
    sa.Column("grace_until", Moment()),
    sa.Column("sealed_successor", sa.LargeBinary),
    sa.Column("openings", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.ForeignKeyConstraint(["tenant_id", "client_id"], ["principals.tenant_id", "principals.id"]),
    sa.ForeignKeyConstraint(["tenant_id", "user_id"], ["principals.tenant_id", "principals.id"]),
    sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
    sa.CheckConstraint("(sealed_successor IS NULL) = (grace_until IS NULL)", name="grace"),
    sa.CheckConstraint("generation >= 0 AND openings >= 0", name="counts"),
    sa.Index(None, "tenant_id", "user_id"),
    sa.Index(None, "tenant_id", "client_id"),
    sa.Index(None, "tenant_id", "session_id"),
    sa.Index(None, "grace_until"),
    sa.Index(None, "expires_at"),
    sa.Index(None, "ended_at"),
    comment="What a person let a client have; also the family of its refresh tokens.",
)

access_tokens: Final = table(
    "access_tokens",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("jti", Id, nullable=False),
    sa.Column("grant_id", Id),
    sa.Column("client_id", Id, nullable=False),
    sa.Column("claims", Json(), nullable=False),
    sa.Column("issued_at", Moment(), nullable=False),
    sa.Column("expires_at", Moment(), nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "token_hash"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "grant_id"], ["grants.tenant_id", "grants.id"], ondelete="CASCADE"
    ),
    sa.ForeignKeyConstraint(["tenant_id", "client_id"], ["principals.tenant_id", "principals.id"]),
    sa.Index(None, "tenant_id", "grant_id"),
    sa.Index(None, "tenant_id", "client_id"),
    sa.Index(None, "expires_at"),
    comment="Opaque access tokens, for resources that want them.",
)

revoked_tokens: Final = table(
    "revoked_tokens",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("jti", Id, nullable=False),
    sa.Column("expires_at", Moment(), nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "jti"),
    sa.Index(None, "expires_at"),
    comment="Single access tokens that ended before their time, kept until they expire.",
)

presented: Final = table(
    "presented",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("marker", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", Moment(), nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "marker"),
    sa.Index(None, "expires_at"),
    sa.CheckConstraint("length(marker) = 32", name="marker"),
    comment="Hashes of assertions, proofs and one-time passwords that may be presented once.",
)

api_keys: Final = table(
    "api_keys",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("principal_id", Id, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scope", Json(), nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("key_hash", sa.LargeBinary, nullable=False),
    sa.Column("previous_hash", sa.LargeBinary),
    sa.Column("previous_until", Moment()),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("created_at", Moment(), nullable=False),
    sa.Column("issued_at", Moment(), nullable=False),
    sa.Column("expires_at", Moment(), nullable=False),
    sa.Column("last_used_at", Moment()),
    sa.Column("suspended_at", Moment()),
    sa.Column("revoked_at", Moment()),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "principal_id"], ["principals.tenant_id", "principals.id"]
    ),
    sa.CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="previous"),
    sa.CheckConstraint("length(key_hash) = 32", name="key_hash"),
    sa.CheckConstraint("generation >= 0", name="generation"),
    sa.CheckConstraint("expires_at > created_at", name="expires_at"),
    sa.Index("ix_limen_api_keys_key_hash", "tenant_id", "key_hash", unique=True),
    sa.Index("ix_limen_api_keys_previous_hash", "tenant_id", "previous_hash"),
    sa.Index("ix_limen_api_keys_principal", "tenant_id", "principal_id", "id"),
    sa.Index(None, "expires_at"),
    comment="Keys that people and service accounts made for themselves; the hashes of them.",
)
