"""The development mailbox's table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Moment

mailbox = table(
    "mailbox",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("recipient", sa.Text, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("text", sa.Text, nullable=False),
    Column("html", sa.Text, nullable=False),
    Column("sent_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index(None, "tenant_id", "recipient", "id"),
    comment="Development only, else empty: mail shown in the browser instead of being sent",
)
