"""The tables of second factors."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from limen.db.base import table
from limen.db.types import Id, Moment


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    )


factors = table(
    "mfa_factors",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("sealed_secret", sa.LargeBinary, nullable=False),
    Column("last_step", sa.BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("confirmed_at", Moment),
    Column("last_used_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "user_id", "kind"),
    _of_user(),
    CheckConstraint("kind IN ('totp')", name="kind"),
    CheckConstraint("last_step >= 0", name="last_step"),
    comment="Second factors, secrets sealed; of a TOTP the last step that was accepted",
)

recovery_codes = table(
    "mfa_recovery_codes",
    Column("tenant_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("code_mac", sa.LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id", "code_mac"),
    _of_user(),
    CheckConstraint("length(code_mac) = 32", name="code_mac"),
    comment="Recovery codes as keyed hashes; taken by deleting the row",
)
