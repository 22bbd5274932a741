"""Tenants, keys, audit log, mail, outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_audit_events",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", limen.db.types.Moment(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("detail", limen.db.types.Json(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('done', 'denied')", name=op.f("ck_limen_audit_events_outcome")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_audit_events")),
        comment="Who did what to whom, written in the transaction that did it",
    )
    op.create_index(
        op.f("ix_limen_audit_events_tenant_id_actor_id_at_id"),
        "limen_audit_events",
        ["tenant_id", "actor_id", "at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_audit_events_tenant_id_at_id"),
        "limen_audit_events",
        ["tenant_id", "at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_audit_events_tenant_id_name_at_id"),
        "limen_audit_events",
        ["tenant_id", "name", "at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_audit_events_tenant_id_user_id_at_id"),
        "limen_audit_events",
        ["tenant_id", "user_id", "at", "id"],
        unique=False,
    )
    op.create_table(
        "limen_clock_offset",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_limen_clock_offset")),
        comment="Development only: how far business time was moved, for all processes at once.",
    )
    op.create_table(
        "limen_keyrings",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_limen_keyrings")),
        comment="Counts the changes of a tenant's signing keys, for the caches of all nodes.",
    )
    op.create_table(
        "limen_mailbox",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("sent_at", limen.db.types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_mailbox")),
        comment="Development only, else empty: mail shown in the browser instead of being sent",
    )
    op.create_index(
        op.f("ix_limen_mailbox_tenant_id_recipient_id"),
        "limen_mailbox",
        ["tenant_id", "recipient", "id"],
        unique=False,
    )
    op.create_table(
        "limen_outbox",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("due_at", limen.db.types.Moment(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", limen.db.types.Moment(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_outbox")),
        comment="What must happen outside the database once its transaction is durable.",
    )
    op.create_index(op.f("ix_limen_outbox_due_at"), "limen_outbox", ["due_at"], unique=False)
    op.create_table(
        "limen_sealing_canaries",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_sealing_canaries")),
        comment="A known text wrapped by each key-encryption key, opened at start.",
    )
    op.create_table(
        "limen_sealing_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_by", sa.Text(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'retired')", name=op.f("ck_limen_sealing_keys_state")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_sealing_keys")),
        comment="Data keys of each tenant, wrapped by the key-encryption key.",
    )
    op.create_index(
        op.f("ix_limen_sealing_keys_tenant_id_name"),
        "limen_sealing_keys",
        ["tenant_id", "name"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_sealing_keys_wrapped_by"), "limen_sealing_keys", ["wrapped_by"], unique=False
    )
    op.create_index(
        "uq_limen_sealing_keys_active",
        "limen_sealing_keys",
        ["tenant_id", "name"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "limen_signing_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alg", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_jwk", limen.db.types.Json(), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("activated_at", limen.db.types.Moment(), nullable=True),
        sa.Column("published_until", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "(state = 'retiring') = (published_until IS NOT NULL)",
            name=op.f("ck_limen_signing_keys_published"),
        ),
        sa.CheckConstraint(
            "(state = 'retiring') = (sealed_private IS NULL)",
            name=op.f("ck_limen_signing_keys_private"),
        ),
        sa.CheckConstraint(
            "state IN ('next', 'active', 'retiring')", name=op.f("ck_limen_signing_keys_state")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_signing_keys")),
        comment="Signing keys: one next and one active for each algorithm, and retiring public halves.",
    )
    op.create_index(
        "uq_limen_signing_keys_current",
        "limen_signing_keys",
        ["tenant_id", "alg", "state"],
        unique=True,
        sqlite_where=sa.text("state <> 'retiring'"),
        postgresql_where=sa.text("state <> 'retiring'"),
    )
    op.create_table(
        "limen_tenants",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("policy", limen.db.types.Json(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'suspended')", name=op.f("ck_limen_tenants_state")),
        sa.CheckConstraint("version > 0", name=op.f("ck_limen_tenants_version")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_limen_tenants")),
        sa.UniqueConstraint("host", name=op.f("uq_limen_tenants_host")),
        sa.UniqueConstraint("slug", name=op.f("uq_limen_tenants_slug")),
        comment="Who has users, clients, keys and policy of their own, under an issuer of their own",
    )
    op.create_index(op.f("ix_limen_tenants_version"), "limen_tenants", ["version"], unique=False)
