"""Where each field of a profile comes from, and pictures."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint

from limen.db.base import table
from limen.db.types import Id, Moment


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    )


profile_sources = table(
    "profile_sources",
    Column("tenant_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("field", sa.Text, nullable=False),
    Column("source", sa.Text, nullable=False),
    Column("changed_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id", "field"),
    _of_user(),
    comment="What a profile's field follows: own, none, or an identity at a provider",
)

user_pictures = table(
    "user_pictures",
    Column("tenant_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("source", sa.Text, nullable=False),
    Column("id", Id, nullable=False),
    Column("origin_hash", sa.LargeBinary, nullable=False),
    Column("image", sa.LargeBinary, nullable=False),
    Column("kept_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id", "source"),
    UniqueConstraint("tenant_id", "id"),
    _of_user(),
    sa.CheckConstraint("length(image) <= 262144", name="image"),
    comment="Pictures as we made them, WebP, one per source; id names the very image in its URL",
)
