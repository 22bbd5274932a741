"""Invitations."""

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
from limen.db.types import Id, Moment

invitations = table(
    "invitations",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("email", sa.Text, nullable=False),
    # The address while the invitation is pending, NULL afterwards: one for an address.
    Column("live_email", sa.Text),
    Column("role", sa.Text, nullable=False),
    Column("token_hash", sa.LargeBinary, nullable=False),
    Column("state", sa.Text, nullable=False),
    # Whose right to give the role is asked for again when it is accepted; empty: an operator's.
    Column("invited_by", Id, nullable=False),
    Column("accepted_by", Id),
    Column("created_at", Moment(), nullable=False),
    Column("sent_at", Moment(), nullable=False),
    Column("expires_at", Moment(), nullable=False),
    Column("settled_at", Moment()),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="RESTRICT"),
    UniqueConstraint("tenant_id", "live_email"),
    UniqueConstraint("tenant_id", "token_hash"),
    Index(None, "tenant_id", "expires_at"),
    CheckConstraint("state IN ('pending', 'accepted', 'revoked')", name="state"),
    CheckConstraint("(state = 'pending') = (live_email IS NOT NULL)", name="live"),
    comment="Who was asked to open an account here; one live invitation for an address.",
)
