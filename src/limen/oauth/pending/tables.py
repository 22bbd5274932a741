"""The table of requests that a person approves elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment

decoupled_requests = table(
    "decoupled_requests",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("request_hash", sa.LargeBinary, nullable=False),
    Column("user_code_hash", sa.LargeBinary),
    Column("client_id", Id, nullable=False),
    Column("user_id", Id),
    Column("opened_by", sa.Text, nullable=False),
    Column("scope", Json, nullable=False),
    Column("resource", sa.Text, nullable=False),
    Column("authorization_details", Json, nullable=False),
    Column("acr_values", Json, nullable=False),
    Column("binding_message", sa.Text, nullable=False),
    Column("requested_from", sa.Text, nullable=False),
    Column("bound_to", sa.Text, nullable=False),
    Column("authenticated_after", Moment),
    Column("sealed_notification", sa.LargeBinary),
    Column("interval_seconds", sa.Integer, nullable=False),
    Column("polled_at", Moment),
    Column("mismatches", sa.Integer, nullable=False),
    Column("status", sa.Text, nullable=False),
    Column("session_id", Id),
    Column("authenticated_at", Moment),
    Column("acr", sa.Text, nullable=False),
    Column("amr", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("decided_at", Moment),
    Column("used_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"], ondelete="CASCADE"
    ),
    Index("ix_limen_decoupled_requests_request", "tenant_id", "request_hash", unique=True),
    Index("ix_limen_decoupled_requests_user_code", "tenant_id", "user_code_hash", unique=True),
    Index("ix_limen_decoupled_requests_client", "tenant_id", "client_id"),
    Index("ix_limen_decoupled_requests_user", "tenant_id", "user_id"),
    Index("ix_limen_decoupled_requests_session", "tenant_id", "session_id"),
    Index("ix_limen_decoupled_requests_expires", "tenant_id", "expires_at"),
    CheckConstraint("kind IN ('device', 'ciba')", name="kind"),
    CheckConstraint("status IN ('pending', 'approved', 'denied')", name="status"),
    CheckConstraint("length(request_hash) = 32", name="request_hash"),
    CheckConstraint("(kind = 'device') = (user_code_hash IS NOT NULL)", name="user_code_hash"),
    CheckConstraint("kind = 'device' OR user_id IS NOT NULL", name="user_id"),
    CheckConstraint(
        "status <> 'approved' OR (user_id IS NOT NULL AND authenticated_at IS NOT NULL)",
        name="approved",
    ),
    CheckConstraint("used_at IS NULL OR status = 'approved'", name="used_at"),
    comment="Requests of devices and of servers that a person approves on another screen",
)
