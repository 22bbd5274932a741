"""What sign-in remembers: how often a secret was guessed at, and who is on the way in."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column

from limen.db.base import table
from limen.db.types import Id, Json, Moment

throttles = table(
    "sign_in_throttles",
    Column("tenant_id", Id, nullable=False),
    Column("key_hash", sa.LargeBinary, nullable=False),
    Column("credit", sa.Integer, nullable=False),
    Column("blocked_until", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "key_hash"),
    sa.Index(None, "tenant_id", "last_at"),
    comment="Attempts at a secret, per account, address block or device; keys are hashed.",
)

pending_sign_ins = table(
    "pending_sign_ins",
    Column("tenant_id", Id, nullable=False),
    Column("token_hash", sa.LargeBinary, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("amr", Json, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("user_agent", sa.Text, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("expires_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "token_hash"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "tenant_id", "user_id"),
    sa.Index(None, "tenant_id", "expires_at"),
    sa.CheckConstraint("kind IN ('browser', 'tokens')", name="kind"),
    sa.CheckConstraint("length(token_hash) = 32", name="token_hash"),
    comment="Who proved a first factor and has steps to pass before a session begins",
)
