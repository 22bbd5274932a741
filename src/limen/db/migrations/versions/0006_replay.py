"""What may be presented once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_presented",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("marker", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint("length(marker) = 32", name=op.f("ck_limen_presented_marker")),
        sa.PrimaryKeyConstraint("tenant_id", "marker", name=op.f("pk_limen_presented")),
        comment="Hashes of assertions, proofs and one-time passwords that may be presented once.",
    )
    op.create_index(
        op.f("ix_limen_presented_expires_at"), "limen_presented", ["expires_at"], unique=False
    )
