"""What providers sign their events with."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Moment

push_secrets = table(
    "push_secrets",
    Column("tenant_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("sealed_secret", sa.LargeBinary, nullable=False),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "provider"),
    ForeignKeyConstraint(
        ["tenant_id", "provider"],
        ["upstream_clients.tenant_id", "upstream_clients.provider"],
        ondelete="CASCADE",
    ),
    comment="What providers sign the events with that they send us.",
)
