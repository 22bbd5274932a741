"""Requests of apps to share a connection; invitations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Json, Moment

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _sharing_requests()
    _invitations()
    _sign_up()


def _sign_up() -> None:
    """``registration_open`` became one of three: what was not open was nobody's."""
    tenants = sa.table(
        "limen_tenants", sa.column("tenant_id", sa.Text()), sa.column("policy", Json())
    )
    bind = op.get_bind()
    for tenant_id, policy in bind.execute(sa.select(tenants.c.tenant_id, tenants.c.policy)).all():
        if "registration_open" not in policy:
            continue
        kept = {name: value for name, value in policy.items() if name != "registration_open"}
        kept["sign_up"] = "open" if policy["registration_open"] else "closed"
        bind.execute(sa.update(tenants).where(tenants.c.tenant_id == tenant_id).values(policy=kept))


def _sharing_requests() -> None:
    op.create_table(
        "limen_sharing_requests",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_session", sa.Text()),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("features", Json(), nullable=False),
        sa.Column("wanted_connection", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("app_state", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("connection_id", sa.Text()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'completed', 'refused')",
            name=op.f("ck_limen_sharing_requests_state"),
        ),
        sa.CheckConstraint(
            "state != 'completed' OR (user_id IS NOT NULL AND connection_id IS NOT NULL)",
            name=op.f("ck_limen_sharing_requests_completed"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f("fk_limen_sharing_requests_tenant_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_sharing_requests_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_sharing_requests")),
        comment="What apps ask people to share with them: where it stands.",
    )
    op.create_index(
        op.f("ix_limen_sharing_requests_tenant_id_client_id_asked_by"),
        "limen_sharing_requests",
        ["tenant_id", "client_id", "asked_by"],
    )
    for column in ("user_id", "expires_at"):
        op.create_index(
            op.f(f"ix_limen_sharing_requests_tenant_id_{column}"),
            "limen_sharing_requests",
            ["tenant_id", column],
        )


def _invitations() -> None:
    op.create_table(
        "limen_invitations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("live_email", sa.Text()),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("accepted_by", sa.Text()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("sent_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("settled_at", Moment()),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'revoked')", name=op.f("ck_limen_invitations_state")
        ),
        sa.CheckConstraint(
            "(state = 'pending') = (live_email IS NOT NULL)", name=op.f("ck_limen_invitations_live")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_invitations_tenant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_invitations")),
        sa.UniqueConstraint(
            "tenant_id", "live_email", name=op.f("uq_limen_invitations_tenant_id_live_email")
        ),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_limen_invitations_tenant_id_token_hash")
        ),
        comment="Who was asked to open an account here; one live invitation for an address.",
    )
    op.create_index(
        op.f("ix_limen_invitations_tenant_id_expires_at"),
        "limen_invitations",
        ["tenant_id", "expires_at"],
    )
