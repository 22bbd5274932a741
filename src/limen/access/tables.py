"""Who has which role."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Moment

role_grants = table(
    "role_grants",
    Column("tenant_id", Id, nullable=False),
    Column("principal_id", Id, nullable=False),
    Column("role", sa.Text, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("granted_at", Moment, nullable=False),
    Column("granted_by", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "principal_id", "role"),
    ForeignKeyConstraint(
        ["tenant_id", "principal_id"],
        ["principals.tenant_id", "principals.id"],
        ondelete="CASCADE",
    ),
    Index(None, "tenant_id", "role", "principal_id"),
    CheckConstraint("role IN ('owner', 'admin', 'auditor', 'member')", name="role"),
    CheckConstraint("kind IN ('user', 'client')", name="kind"),
    comment="Roles of people and of machine clients; every active person is a member without a row",
)
