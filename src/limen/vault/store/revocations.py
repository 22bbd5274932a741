"""The vault's SQL for what is to be revoked at its provider, and the receipts of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.vault.tables import upstream_revocations

_v = upstream_revocations.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_ADD_REVOCATION = sa.insert(upstream_revocations)
_FIND_REVOCATION = sa.select(_v.id, _v.grant_id, _v.provider, _v.sealed_tokens).where(
    _v.tenant_id == _TENANT, _v.id == bindparam("revocation_id"), _v.settled_at.is_(None)
)
_SETTLE_REVOCATION = (
    sa.update(upstream_revocations)
    .where(_v.tenant_id == _TENANT, _v.id == bindparam("revocation_id"), _v.settled_at.is_(None))
    .values(
        outcome=bindparam("new_outcome"),
        settled_at=bindparam("new_settled_at"),
        sealed_tokens=None,
    )
)
_REPLACE = (
    sa.update(upstream_revocations)
    .where(_v.tenant_id == _TENANT, _v.id == bindparam("revocation_id"), _v.settled_at.is_(None))
    .values(sealed_tokens=bindparam("new_sealed_tokens"))
)
_SETTLE_UNSENT = (
    sa.update(upstream_revocations)
    .where(_v.tenant_id == _TENANT, _v.id == bindparam("revocation_id"), _v.settled_at.is_(None))
    .values(
        unsent=bindparam("new_unsent"),
        settled_at=bindparam("new_settled_at"),
        sealed_tokens=None,
    )
    .returning(_v.id)
)
_OVERDUE = (
    sa.select(_v.id, _v.grant_id, _v.provider)
    .where(
        _v.tenant_id == _TENANT,
        _v.settled_at.is_(None),
        _v.created_at <= bindparam("before", type_=_v.created_at.type),
    )
    .order_by(_v.created_at)
    .limit(bindparam("most", type_=sa.Integer))
)
_OPEN_REVOCATIONS = sa.select(sa.func.count()).where(
    _v.tenant_id == _TENANT, _v.grant_id == bindparam("grant_id"), _v.settled_at.is_(None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Tokens to be revoked at their provider."""

    id: str
    grant_id: str
    provider: str
    sealed_tokens: bytes


class Overdue(NamedTuple):
    """A revocation that no provider confirmed."""

    id: str
    grant_id: str
    provider: str


async def add_revocation(work: Work, **columns: Any) -> None:
    """Keep tokens that are to be revoked, until they are."""
    await work.execute(_ADD_REVOCATION, created_at=work.now, **columns)


async def find_revocation(work: Work, revocation_id: str) -> Revocation | None:
    """Return an unsettled revocation."""
    row = (await work.execute(_FIND_REVOCATION, revocation_id=revocation_id)).first()
    return None if row is None else Revocation(**row._asdict())


async def settle_revocation(work: Work, *, revocation_id: str, outcome: str) -> None:
    """Turn a revocation into a receipt: the tokens go, what became of them stays."""
    await work.execute(
        _SETTLE_REVOCATION,
        revocation_id=revocation_id,
        new_outcome=outcome,
        new_settled_at=work.now,
    )


async def replace_tokens(work: Work, revocation_id: str, *, sealed_tokens: bytes) -> None:
    """Keep newer tokens of the same grant in the place of those that are to be revoked."""
    await work.execute(_REPLACE, revocation_id=revocation_id, new_sealed_tokens=sealed_tokens)


async def note_unsent(
    work: Work, *, revocation_id: str, grant_id: str, provider: str, unsent: str
) -> None:
    """Write a receipt that nobody was asked, and why."""
    await work.execute(
        _ADD_REVOCATION,
        id=revocation_id,
        grant_id=grant_id,
        provider=provider,
        reason="disconnected",
        unsent=unsent,
        created_at=work.now,
        settled_at=work.now,
    )


async def overdue(work: Work, *, before: dt.datetime, most: int) -> list[Overdue]:
    """Return revocations that no provider confirmed for so long."""
    rows = await work.execute(_OVERDUE, before=before, most=most)
    return [Overdue(row.id, row.grant_id, row.provider) for row in rows.all()]


async def settle_unsent(work: Work, revocation_id: str, *, unsent: str) -> bool:
    """Wipe the tokens of a revocation that nobody confirms; ``False`` if somebody did."""
    rows = await work.execute(
        _SETTLE_UNSENT,
        revocation_id=revocation_id,
        new_unsent=unsent,
        new_settled_at=work.now,
    )
    return rows.first() is not None


async def count_open_revocations(work: Work, grant_id: str) -> int:
    """Return how many revocations of a grant are still to come."""
    return int((await work.execute(_OPEN_REVOCATIONS, grant_id=grant_id)).scalar())
