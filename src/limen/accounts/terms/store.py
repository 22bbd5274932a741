"""The SQL of accepted terms."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.accounts.tables import accepted_terms
from limen.db.types import insert_or_nothing
from limen.db.work import Work

_FIND: Final = sa.select(accepted_terms.c.accepted_at).where(
    accepted_terms.c.tenant_id == bindparam("tenant_id"),
    accepted_terms.c.user_id == bindparam("user_id"),
    accepted_terms.c.version == bindparam("version"),
)
_ADD: Final = insert_or_nothing(
    accepted_terms,
    conflict=("tenant_id", "user_id", "version"),
    returning=(accepted_terms.c.version,),
)


async def has_accepted(work: Work, user_id: str, *, version: str) -> bool:
    """Whether a person accepted that version."""
    rows = await work.execute(_FIND, user_id=user_id, version=version)
    return rows.first() is not None


async def add_accepted(work: Work, user_id: str, *, version: str) -> bool:
    """Note that a person accepts a version; ``False`` if they had before."""
    rows = await work.execute(_ADD, user_id=user_id, version=version, accepted_at=work.now)
    return rows.first() is not None
