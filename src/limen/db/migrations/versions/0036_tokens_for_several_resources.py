"""Access tokens for a provider's other resources, beside the one of the grant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Json, Moment

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("limen_upstream_grants", sa.Column("access_generation", sa.BigInteger()))
    op.create_table(
        "limen_resource_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("sealed_access", sa.LargeBinary()),
        sa.Column("granted_scopes", Json(), nullable=False),
        sa.Column("requested_at", Moment(), nullable=False),
        sa.Column("access_expires_at", Moment()),
        sa.Column("lifetime_seconds", sa.BigInteger()),
        sa.Column("refused", sa.Text()),
        sa.CheckConstraint(
            "refused IN ('consent', 'refused', 'not_its_own')",
            name=op.f("ck_limen_resource_tokens_refused"),
        ),
        sa.CheckConstraint(
            "refused IS NULL OR sealed_access IS NULL",
            name=op.f("ck_limen_resource_tokens_one_of_two"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"],
            ["limen_upstream_grants.tenant_id", "limen_upstream_grants.id"],
            name=op.f("fk_limen_resource_tokens_tenant_id_grant_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "grant_id", "resource", name=op.f("pk_limen_resource_tokens")
        ),
        comment="Access tokens for a provider's other resources, got with a grant's refresh token.",
    )
