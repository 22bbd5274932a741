"""Answers kept for requests that come again."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Moment

idempotent_answers = table(
    "idempotent_answers",
    Column("tenant_id", Id, nullable=False),
    Column("key_hash", sa.LargeBinary, nullable=False),
    Column("request_hash", sa.LargeBinary, nullable=False),
    Column("id", Id, nullable=False),
    Column("status", sa.Integer, nullable=False),
    Column("sealed_body", sa.LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "key_hash"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    CheckConstraint("status BETWEEN 200 AND 299", name="status"),
    Index(None, "tenant_id", "expires_at"),
    comment="What was answered to a request with an Idempotency-Key, sealed, for a day",
)
