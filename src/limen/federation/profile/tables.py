"""What providers said of people."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment


def _of_identity() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "issuer", "subject"],
        ["identities.tenant_id", "identities.issuer", "identities.subject"],
        ondelete="CASCADE",
    )


provider_profiles = table(
    "provider_profiles",
    Column("tenant_id", Id, nullable=False),
    Column("issuer", sa.Text, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("email_verified", sa.Boolean, nullable=False),
    Column("generation", sa.BigInteger, nullable=False),
    Column("sealed_profile", sa.LargeBinary, nullable=False),
    Column("mapped_roles", Json, nullable=False),
    Column("access_generation", sa.BigInteger, nullable=False),
    Column("sealed_access", sa.LargeBinary),
    Column("last_sync_at", Moment(), nullable=False),
    Column("changed_at", Moment(), nullable=False),
    Column("next_sync_at", Moment()),
    PrimaryKeyConstraint("tenant_id", "issuer", "subject"),
    _of_identity(),
    Index(None, "tenant_id", "user_id"),
    Index(None, "tenant_id", "next_sync_at"),
    comment="What a provider last said of a person, sealed; when it is asked again",
)

profile_changes = table(
    "profile_changes",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("issuer", sa.Text, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("members", Json, nullable=False),
    Column("sealed_before", sa.LargeBinary, nullable=False),
    Column("changed_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    _of_identity(),
    Index(None, "tenant_id", "issuer", "subject", "id"),
    comment="What changed of it: the members' names, and sealed what they were before",
)
