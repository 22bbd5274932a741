"""Requests that are approved elsewhere: devices, backchannel authentication."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLE = "limen_decoupled_requests"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        *_columns(),
        sa.CheckConstraint("kind IN ('device', 'ciba')", name=op.f(f"ck_{_TABLE}_kind")),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'denied')", name=op.f(f"ck_{_TABLE}_status")
        ),
        sa.CheckConstraint("length(request_hash) = 32", name=op.f(f"ck_{_TABLE}_request_hash")),
        sa.CheckConstraint(
            "(kind = 'device') = (user_code_hash IS NOT NULL)",
            name=op.f(f"ck_{_TABLE}_user_code_hash"),
        ),
        sa.CheckConstraint(
            "kind = 'device' OR user_id IS NOT NULL", name=op.f(f"ck_{_TABLE}_user_id")
        ),
        sa.CheckConstraint(
            "status <> 'approved' OR (user_id IS NOT NULL AND authenticated_at IS NOT NULL)",
            name=op.f(f"ck_{_TABLE}_approved"),
        ),
        sa.CheckConstraint(
            "used_at IS NULL OR status = 'approved'", name=op.f(f"ck_{_TABLE}_used_at")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f(f"fk_{_TABLE}_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["limen_users.tenant_id", "limen_users.id"],
            name=op.f(f"fk_{_TABLE}_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["limen_sessions.tenant_id", "limen_sessions.id"],
            name=op.f(f"fk_{_TABLE}_tenant_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{_TABLE}")),
        comment="Requests of devices and of servers that a person approves on another screen",
    )
    for name, column, unique in (
        ("request", "request_hash", True),
        ("user_code", "user_code_hash", True),
        ("client", "client_id", False),
        ("user", "user_id", False),
        ("session", "session_id", False),
        ("expires", "expires_at", False),
    ):
        op.create_index(f"ix_{_TABLE}_{name}", _TABLE, ["tenant_id", column], unique=unique)


def _columns() -> list[sa.Column[object]]:
    moment, json = limen.db.types.Moment(), limen.db.types.Json()
    return [
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("scope", json, nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("authorization_details", json, nullable=False),
        sa.Column("acr_values", json, nullable=False),
        sa.Column("binding_message", sa.Text(), nullable=False),
        sa.Column("requested_from", sa.Text(), nullable=False),
        sa.Column("bound_to", sa.Text(), nullable=False),
        sa.Column("authenticated_after", moment, nullable=True),
        sa.Column("sealed_notification", sa.LargeBinary(), nullable=True),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        sa.Column("polled_at", moment, nullable=True),
        sa.Column("mismatches", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("authenticated_at", moment, nullable=True),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("amr", json, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("used_at", moment, nullable=True),
    ]
