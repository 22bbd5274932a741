"""The tables of people: who they are, what names them, what proves them."""

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


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    )


users = table(
    "users",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("email", sa.Text),
    Column("email_verified_at", Moment),
    Column("claims", Json, nullable=False),
    Column("must_change_password", sa.Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="RESTRICT"),
    CheckConstraint("state IN ('active', 'disabled', 'closed')", name="state"),
    CheckConstraint("email IS NOT NULL OR email_verified_at IS NULL", name="verified"),
    comment="People; the OpenID Connect standard claims lie in claims",
)

user_identifiers = table(
    "user_identifiers",
    Column("tenant_id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("value", sa.Text, nullable=False),
    Column("user_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "kind", "value"),
    _of_user(),
    Index(None, "tenant_id", "user_id"),
    CheckConstraint("kind IN ('email', 'host')", name="kind"),
    comment="What names one person in a tenant, in its one canonical form",
)

passwords = table(
    "passwords",
    Column("tenant_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("hash", sa.Text, nullable=False),
    Column("changed_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id"),
    _of_user(),
    comment="Argon2id hashes; no row, no password",
)

account_tokens = table(
    "account_tokens",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("purpose", sa.Text, nullable=False),
    Column("address", sa.Text, nullable=False),
    Column("token_hash", sa.LargeBinary, nullable=False),
    Column("code_mac", sa.LargeBinary),
    Column("attempts", sa.Integer, nullable=False),
    Column("password_hash", sa.Text),
    Column("claims", Json),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "token_hash"),
    _of_user(),
    Index(None, "tenant_id", "user_id", "purpose"),
    Index(None, "tenant_id", "address", "purpose"),
    Index(None, "tenant_id", "expires_at"),
    CheckConstraint("purpose IN ('verify', 'reset', 'change')", name="purpose"),
    CheckConstraint("attempts >= 0", name="attempts"),
    comment="Links and codes mailed to people, as hashes; taken by deleting the row",
)

accepted_terms = table(
    "accepted_terms",
    Column("tenant_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("version", sa.Text, nullable=False),
    Column("accepted_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id", "version"),
    _of_user(),
    comment="Which versions of a tenant's terms a person accepted, and when",
)

account_notices = table(
    "account_notices",
    Column("tenant_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("sent_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id", "kind"),
    _of_user(),
    comment="When a person was last told of something strangers can cause",
)
