"""The vault's SQL for grants of which nobody knows yet whose account they are.

They have no subject, no connection stands on them, and nobody is given their tokens.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.vault.tables import upstream_grants

_g = upstream_grants.c
_ADD = insert_or_nothing(upstream_grants, conflict=("tenant_id", "id"), returning=(_g.id,))
_THIS = (
    _g.tenant_id == bindparam("tenant_id"),
    _g.id == bindparam("grant_id"),
    _g.subject == "",
    _g.live_subject.is_(None),
    _g.state == "active",
)
_CLAIM = (
    sa.update(upstream_grants)
    .where(*_THIS)
    .values(
        issuer=bindparam("new_issuer"),
        subject=bindparam("new_subject"),
        live_subject=bindparam("new_subject"),
        updated_at=bindparam("new_updated_at"),
    )
    .returning(_g.id)
)


async def add_unclaimed(work: Work, **columns: Any) -> bool:
    """Insert a grant without a subject; ``False`` if there is one of that id."""
    rows = await work.execute(
        _ADD,
        subject="",
        live_subject=None,
        state="active",
        fence=0,
        created_at=work.now,
        updated_at=work.now,
        **columns,
    )
    return rows.first() is not None


async def claim_unclaimed(work: Work, *, grant_id: str, issuer: str, subject: str) -> bool:
    """Say whose account a grant is; ``False`` if somebody said so before, or ended it."""
    rows = await work.execute(
        _CLAIM,
        grant_id=grant_id,
        new_issuer=issuer,
        new_subject=subject,
        new_updated_at=work.now,
    )
    return rows.first() is not None
