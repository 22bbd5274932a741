"""Pushed authorization requests in SQL."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.types import Moment
from limen.db.work import Work
from limen.oauth.tables import pushed_requests

KEPT: Final = dt.timedelta(hours=1)
"""Beyond its time, for the interaction that was begun within it and is answered after it."""

_THIS: Final = (
    pushed_requests.c.tenant_id == bindparam("tenant_id"),
    pushed_requests.c.request_hash == bindparam("hash"),
)
_ADD: Final = sa.insert(pushed_requests)
_FIND: Final = sa.select(*pushed_requests.c).where(
    *_THIS, pushed_requests.c.expires_at > bindparam("at", type_=Moment())
)
_TAKE: Final = sa.delete(pushed_requests).where(*_THIS).returning(pushed_requests.c.client_id)
_SWEEP: Final = sa.delete(pushed_requests).where(
    pushed_requests.c.tenant_id == bindparam("tenant_id"),
    pushed_requests.c.expires_at <= bindparam("at", type_=Moment()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRow:
    """A pushed request as stored.

    Attributes:
        request_hash: SHA-256 of the handle, which the client alone has.
        sealed_parameters: JSON pairs, sealed for this row.
        signed: Whether a request object said them.
    """

    request_hash: bytes = field(repr=False)
    client_id: str
    sealed_parameters: bytes = field(repr=False)
    signed: bool
    expires_at: dt.datetime


async def add_pushed(work: Work, row: PushedRow) -> None:
    """Insert a request just pushed."""
    await work.execute(
        _ADD,
        request_hash=row.request_hash,
        client_id=row.client_id,
        sealed_parameters=row.sealed_parameters,
        signed=row.signed,
        created_at=work.now,
        expires_at=row.expires_at,
    )


async def find_pushed(work: Work, request_hash: bytes) -> PushedRow | None:
    """Return a request that is neither answered nor expired."""
    row = (await work.execute(_FIND, hash=request_hash, at=work.now)).first()
    if row is None:
        return None
    return PushedRow(
        request_hash=bytes(row.request_hash),
        client_id=row.client_id,
        sealed_parameters=bytes(row.sealed_parameters),
        signed=row.signed,
        expires_at=row.expires_at,
    )


async def take_pushed(work: Work, request_hash: bytes) -> bool:
    """Delete a request that is being answered; ``True`` for one caller only."""
    return await take(work, _TAKE, hash=request_hash) is not None


async def sweep_pushed(work: Work) -> int:
    """Delete requests that nobody can answer any more."""
    return (await work.execute(_SWEEP, at=work.now - KEPT)).count
