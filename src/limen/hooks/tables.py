"""The table of hooks."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Moment

hooks = table(
    "hooks",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("point", sa.Text, nullable=False),
    Column("url", sa.Text, nullable=False),
    Column("deadline_ms", sa.BigInteger, nullable=False),
    Column("optional", sa.Boolean, nullable=False),
    Column("sealed_secret", sa.LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "point"),
    CheckConstraint("point IN ('before_sign_up', 'after_sign_in', 'before_token')", name="point"),
    CheckConstraint("deadline_ms BETWEEN 100 AND 10000", name="deadline_ms"),
    comment="Addresses that are asked before we go on",
)
