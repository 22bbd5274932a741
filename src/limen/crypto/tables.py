"""Tables of keys; every key in them is wrapped or sealed."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from limen.db.base import partial_index, table
from limen.db.types import Id, Json, Moment

sealing_keys: Final = table(
    "sealing_keys",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("wrapped_by", Id, nullable=False),
    sa.Column("created_at", Moment(), nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint("state IN ('active', 'retired')", name="state"),
    partial_index(
        "uq_limen_sealing_keys_active",
        "tenant_id",
        "name",
        where="state = 'active'",
        unique=True,
    ),
    sa.Index(None, "tenant_id", "name"),
    sa.Index(None, "wrapped_by"),
    comment="Data keys of each tenant, wrapped by the key-encryption key.",
)

sealing_canaries: Final = table(
    "sealing_canaries",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    comment="A known text wrapped by each key-encryption key, opened at start.",
)

signing_keys: Final = table(
    "signing_keys",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("alg", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("public_jwk", Json(), nullable=False),
    sa.Column("sealed_private", sa.LargeBinary),
    sa.Column("created_at", Moment(), nullable=False),
    sa.Column("activated_at", Moment()),
    sa.Column("published_until", Moment()),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint("state IN ('next', 'active', 'retiring')", name="state"),
    sa.CheckConstraint("(state = 'retiring') = (sealed_private IS NULL)", name="private"),
    sa.CheckConstraint("(state = 'retiring') = (published_until IS NOT NULL)", name="published"),
    partial_index(
        "uq_limen_signing_keys_current",
        "tenant_id",
        "alg",
        "state",
        where="state <> 'retiring'",
        unique=True,
    ),
    comment="Signing keys: one next and one active for each algorithm, and retiring public halves.",
)

keyrings: Final = table(
    "keyrings",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id"),
    comment="Counts the changes of a tenant's signing keys, for the caches of all nodes.",
)
