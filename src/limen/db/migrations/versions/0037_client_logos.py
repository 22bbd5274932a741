"""Clients' logos, as we made them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Moment

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_client_logos",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", Moment(), nullable=False),
        sa.CheckConstraint("length(image) <= 262144", name=op.f("ck_limen_client_logos_image")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_client_logos_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "client_id", name=op.f("pk_limen_client_logos")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_limen_client_logos_tenant_id_id")),
        comment="Clients' logos as we made them, WebP; id names the very image in its URL",
    )
