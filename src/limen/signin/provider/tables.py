"""External accounts that were proven, while something else has to come first."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment

proven_identities = table(
    "proven_identities",
    Column("tenant_id", Id, nullable=False),
    Column("token_hash", sa.LargeBinary, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("binding_hash", sa.LargeBinary, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("address", sa.Text, nullable=False),
    Column("sealed_identity", sa.LargeBinary, nullable=False),
    Column("detail", Json, nullable=False),
    Column("code_mac", sa.LargeBinary),
    Column("attempts", sa.BigInteger, nullable=False),
    Column("mails", sa.BigInteger, nullable=False),
    Column("expires_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "token_hash"),
    Index(None, "tenant_id", "expires_at"),
    sa.CheckConstraint("kind IN ('ticket', 'proof')", name="kind"),
    sa.CheckConstraint("length(token_hash) = 32", name="token_hash"),
    comment="Accounts at providers, just proven: on the way to a front end, or to a mailbox",
)
