"""Connect sessions; signed events of providers; views under older names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.migrations.older_views import create_views
from limen.db.types import Json, Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _connect_sessions()
    _push()
    create_views(op.get_bind())


def _connect_sessions() -> None:
    op.create_table(
        "limen_connect_sessions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("wanted", Json(), nullable=False),
        sa.Column("app_state", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("browser_session", sa.Text()),
        sa.Column("state_hash", sa.LargeBinary()),
        sa.Column("sealed_answer", sa.LargeBinary()),
        sa.Column("connection_id", sa.Text()),
        sa.Column("code_hash", sa.LargeBinary()),
        sa.Column("code_until", Moment()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'left', 'held', 'completed', 'refused')",
            name=op.f("ck_limen_connect_sessions_state"),
        ),
        sa.CheckConstraint(
            "(state = 'held') = (sealed_answer IS NOT NULL)",
            name=op.f("ck_limen_connect_sessions_held"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_connect_sessions_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_connect_sessions")),
        comment="Connections begun by an app: where they stand, and what is not yet confirmed.",
    )
    for column in ("state_hash", "user_id", "expires_at"):
        op.create_index(
            op.f(f"ix_limen_connect_sessions_tenant_id_{column}"),
            "limen_connect_sessions",
            ["tenant_id", column],
        )


def _push() -> None:
    op.create_table(
        "limen_push_secrets",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provider"],
            ["limen_upstream_clients.tenant_id", "limen_upstream_clients.provider"],
            name=op.f("fk_limen_push_secrets_tenant_id_provider"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "provider", name=op.f("pk_limen_push_secrets")),
        comment="What providers sign the events with that they send us.",
    )
