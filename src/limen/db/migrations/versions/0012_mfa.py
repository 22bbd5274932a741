"""Second factors, steps on the way in, accepted terms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_mfa_factors",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("confirmed_at", limen.db.types.Moment(), nullable=True),
        sa.Column("last_used_at", limen.db.types.Moment(), nullable=True),
        sa.CheckConstraint("kind IN ('totp')", name=op.f("ck_limen_mfa_factors_kind")),
        sa.CheckConstraint("last_step >= 0", name=op.f("ck_limen_mfa_factors_last_step")),
        _of_user("mfa_factors"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_mfa_factors")),
        sa.UniqueConstraint(
            "tenant_id", "user_id", "kind", name=op.f("uq_limen_mfa_factors_tenant_id_user_id_kind")
        ),
        comment="Second factors, secrets sealed; of a TOTP the last step that was accepted",
    )
    op.create_table(
        "limen_mfa_recovery_codes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "length(code_mac) = 32", name=op.f("ck_limen_mfa_recovery_codes_code_mac")
        ),
        _of_user("mfa_recovery_codes"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "user_id", "code_mac", name=op.f("pk_limen_mfa_recovery_codes")
        ),
        comment="Recovery codes as keyed hashes; taken by deleting the row",
    )
    op.create_table(
        "limen_accepted_terms",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("accepted_at", limen.db.types.Moment(), nullable=False),
        _of_user("accepted_terms"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "user_id", "version", name=op.f("pk_limen_accepted_terms")
        ),
        comment="Which versions of a tenant's terms a person accepted, and when",
    )
    op.create_table(
        "limen_pending_sign_ins",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("amr", limen.db.types.Json(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('browser', 'tokens')", name=op.f("ck_limen_pending_sign_ins_kind")
        ),
        sa.CheckConstraint(
            "length(token_hash) = 32", name=op.f("ck_limen_pending_sign_ins_token_hash")
        ),
        _of_user("pending_sign_ins"),
        sa.PrimaryKeyConstraint("tenant_id", "token_hash", name=op.f("pk_limen_pending_sign_ins")),
        comment="Who proved a first factor and has steps to pass before a session begins",
    )
    op.create_index(
        op.f("ix_limen_pending_sign_ins_tenant_id_user_id"),
        "limen_pending_sign_ins",
        ["tenant_id", "user_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_pending_sign_ins_tenant_id_expires_at"),
        "limen_pending_sign_ins",
        ["tenant_id", "expires_at"],
        unique=False,
    )


def _of_user(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "user_id"],
        ["limen_users.tenant_id", "limen_users.id"],
        name=op.f(f"fk_limen_{name}_tenant_id_user_id"),
        ondelete="CASCADE",
    )
