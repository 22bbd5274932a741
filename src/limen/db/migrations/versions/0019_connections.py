"""Incidents and rates of upstream clients; features, sharing, the proxy, erasure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Json, Moment

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _upstream()
    _connections()
    op.create_table(
        "limen_declared_features",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("scopes", Json(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provider"],
            ["limen_upstream_clients.tenant_id", "limen_upstream_clients.provider"],
            name=op.f("fk_limen_declared_features_tenant_id_provider"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "provider", "feature", name=op.f("pk_limen_declared_features")
        ),
        comment="Features that a tenant's apps declare beside those of the catalogue.",
    )
    _sharing()
    op.create_table(
        "limen_api_pauses",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"],
            ["limen_upstream_grants.tenant_id", "limen_upstream_grants.id"],
            name=op.f("fk_limen_api_pauses_tenant_id_grant_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "grant_id", "host", name=op.f("pk_limen_api_pauses")),
        comment="Until when a provider's API wants to be left alone, as it said itself.",
    )
    op.create_table(
        "limen_erasures",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("connections", Json(), nullable=False),
        sa.Column("grants", Json(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_erasures")),
        comment="What was erased for whom, by ids alone: the record that survives.",
    )
    op.create_index(
        op.f("ix_limen_erasures_tenant_id_user_id"), "limen_erasures", ["tenant_id", "user_id"]
    )


def _upstream() -> None:
    for column in (
        sa.Column("incident_since", Moment()),
        sa.Column("last_incident", sa.Text()),
        sa.Column("failing", Json()),
        sa.Column("failing_since", Moment()),
        sa.Column("rate_level", sa.Float()),
        sa.Column("rate_at", Moment()),
    ):
        op.add_column("limen_upstream_clients", column)
    for name in ("consented_at", "refresh_ends_at", "reconnect_by", "remind_at"):
        op.add_column("limen_upstream_grants", sa.Column(name, Moment()))
    op.create_index(
        op.f("ix_limen_upstream_grants_tenant_id_remind_at"),
        "limen_upstream_grants",
        ["tenant_id", "remind_at"],
    )
    op.create_index(
        op.f("ix_limen_upstream_grants_tenant_id_issuer_live_subject"),
        "limen_upstream_grants",
        ["tenant_id", "issuer", "live_subject"],
    )
    op.add_column("limen_upstream_revocations", sa.Column("unsent", sa.Text()))
    op.create_index(
        op.f("ix_limen_upstream_revocations_tenant_id_settled_at_created_at"),
        "limen_upstream_revocations",
        ["tenant_id", "settled_at", "created_at"],
    )


def _connections() -> None:
    for column in (
        sa.Column("belongs_to", sa.Text(), nullable=False, server_default="person"),
        sa.Column("nickname", sa.Text(), nullable=False, server_default=""),
        sa.Column("tags", Json(), nullable=False, server_default="[]"),
        sa.Column("metadata", Json(), nullable=False, server_default="{}"),
    ):
        op.add_column("limen_connections", column)
    op.create_index(
        op.f("ix_limen_connections_of_tenants"),
        "limen_connections",
        ["tenant_id", "id"],
        sqlite_where=sa.text("belongs_to = 'tenant'"),
        postgresql_where=sa.text("belongs_to = 'tenant'"),
    )
    for column in (
        sa.Column("denials", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("denied_at", Moment()),
    ):
        op.add_column("limen_connection_features", column)


def _sharing() -> None:
    op.create_table(
        "limen_release_policies",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "mode IN ('raw', 'proxy', 'none')", name=op.f("ck_limen_release_policies_mode")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_release_policies_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "client_id", name=op.f("pk_limen_release_policies")),
        comment="How a client may use connections that people share with it; without a row not at all.",
    )
    op.create_table(
        "limen_connection_consents",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("features", Json(), nullable=False),
        sa.Column("scopes", Json(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_connection_consents_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["limen_connections.tenant_id", "limen_connections.id"],
            name=op.f("fk_limen_connection_consents_tenant_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "connection_id",
            "client_id",
            name=op.f("pk_limen_connection_consents"),
        ),
        comment="Which client may use which connection, and for what, as its owner agreed.",
    )
    op.create_index(
        op.f("ix_limen_connection_consents_tenant_id_client_id"),
        "limen_connection_consents",
        ["tenant_id", "client_id"],
    )
