"""The audit log's seals: numbers of events, seals, the end of each chain, the keys that sign."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Json, Moment

revision = "0028"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _numbers()
    _seals()
    _chains()
    _keys()


def _numbers() -> None:
    # One statement that both engines know; SQLite adds no constraint to a column that is there.
    op.execute(
        "ALTER TABLE limen_audit_events ADD COLUMN number BIGINT "
        "CONSTRAINT ck_limen_audit_events_number CHECK (number BETWEEN 1 AND 4611686018427387903)"
    )
    for name, column, where, unique in (
        ("ix_limen_audit_events_unsealed", "id", "number IS NULL", False),
        ("uq_limen_audit_events_number", "number", "number IS NOT NULL", True),
    ):
        op.create_index(
            name,
            "limen_audit_events",
            ["tenant_id", column],
            unique=unique,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def _seals() -> None:
    op.create_table(
        "limen_audit_seals",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", Moment(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.CheckConstraint("segment > 0", name=op.f("ck_limen_audit_seals_segment")),
        sa.PrimaryKeyConstraint("tenant_id", "segment", name=op.f("pk_limen_audit_seals")),
        comment="Sealed runs of the audit log: the hashes of their events, and who signed them.",
    )
    op.create_index(
        op.f("ix_limen_audit_seals_tenant_id_sealed_at"),
        "limen_audit_seals",
        ["tenant_id", "sealed_at"],
    )


def _chains() -> None:
    op.create_table(
        "limen_audit_chains",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("dropped_segment", sa.BigInteger(), nullable=False),
        sa.Column("dropped_number", sa.BigInteger(), nullable=False),
        sa.Column("dropped_hash", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"),
        sa.CheckConstraint(
            "dropped_segment <= segment", name=op.f("ck_limen_audit_chains_dropped")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_limen_audit_chains")),
        comment="The end of each tenant's chain, what was dropped of its beginning, and who seals.",
    )


def _keys() -> None:
    op.create_table(
        "limen_audit_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_jwk", Json(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'retired')", name=op.f("ck_limen_audit_keys_state")
        ),
        sa.CheckConstraint(
            "(state = 'retired') = (sealed_private IS NULL)",
            name=op.f("ck_limen_audit_keys_private"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_audit_keys")),
        comment="The keys that sign seals; the public halves of retired ones are kept.",
    )
    op.create_index(
        "uq_limen_audit_keys_active",
        "limen_audit_keys",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
