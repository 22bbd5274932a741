"""An index in the order that a person's connections are listed in."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_limen_connections_tenant_id_user_id_id"),
        "limen_connections",
        ["tenant_id", "user_id", "id"],
    )
