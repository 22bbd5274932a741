"""The tenants' table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, UniqueConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment

tenants = table(
    "tenants",
    Column("tenant_id", Id, nullable=False),
    Column("slug", sa.Text, nullable=False),
    Column("host", sa.Text),
    Column("name", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False, server_default="active"),
    Column("policy", Json, nullable=False),
    Column("version", sa.BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id"),
    UniqueConstraint("slug"),
    UniqueConstraint("host"),
    Index(None, "version"),
    CheckConstraint("state IN ('active', 'suspended')", name="state"),
    CheckConstraint("version > 0", name="version"),
    comment="Who has users, clients, keys and policy of their own, under an issuer of their own",
)
