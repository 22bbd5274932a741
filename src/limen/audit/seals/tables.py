"""Tables of the audit log's seals."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from limen.db.base import partial_index, table
from limen.db.types import Id, Json, Moment

audit_seals: Final = table(
    "audit_seals",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("segment", sa.BigInteger, nullable=False),
    sa.Column("sealed_at", Moment(), nullable=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sa.Column("jws", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "segment"),
    sa.CheckConstraint("segment > 0", name="segment"),
    sa.Index(None, "tenant_id", "sealed_at"),
    comment="Sealed runs of the audit log: the hashes of their events, and who signed them.",
)

audit_chains: Final = table(
    "audit_chains",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("segment", sa.BigInteger, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("dropped_segment", sa.BigInteger, nullable=False),
    sa.Column("dropped_number", sa.BigInteger, nullable=False),
    sa.Column("dropped_hash", sa.Text, nullable=False),
    sa.Column("mac", sa.LargeBinary, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Moment()),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint("tenant_id"),
    sa.CheckConstraint("dropped_segment <= segment", name="dropped"),
    comment="The end of each tenant's chain, what was dropped of its beginning, and who seals.",
)

audit_keys: Final = table(
    "audit_keys",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("public_jwk", Json(), nullable=False),
    sa.Column("mac", sa.LargeBinary, nullable=False),
    sa.Column("sealed_private", sa.LargeBinary),
    sa.Column("created_at", Moment(), nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.CheckConstraint("state IN ('active', 'retired')", name="state"),
    sa.CheckConstraint("(state = 'retired') = (sealed_private IS NULL)", name="private"),
    partial_index("uq_limen_audit_keys_active", "tenant_id", where="state = 'active'", unique=True),
    comment="The keys that sign seals; the public halves of retired ones are kept.",
)
