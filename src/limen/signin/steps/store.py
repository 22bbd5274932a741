"""The SQL of who is on the way in."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.types import Moment
from limen.db.work import Work
from limen.sessions.start import cut_user_agent
from limen.signin.steps.underway import Underway
from limen.signin.tables import pending_sign_ins

_p = pending_sign_ins.c
_TENANT: Final = _p.tenant_id == bindparam("tenant_id")
_LIVE: Final = (
    _TENANT,
    _p.token_hash == bindparam("hash"),
    _p.expires_at > bindparam("now", type_=Moment()),
)

_ADD: Final = sa.insert(pending_sign_ins)
_FIND: Final = sa.select(
    _p.token_hash, _p.user_id, _p.amr, _p.kind, _p.user_agent, _p.session_id
).where(*_LIVE)
_TAKE: Final = sa.delete(pending_sign_ins).where(*_LIVE).returning(_p.user_id)
_FORGET: Final = sa.delete(pending_sign_ins).where(_TENANT, _p.user_id == bindparam("user_id"))
_SWEEP: Final = sa.delete(pending_sign_ins).where(
    _TENANT, _p.expires_at <= bindparam("now", type_=Moment())
)


async def add_pending(
    work: Work, underway: Underway, *, token_hash: bytes, expires_at: dt.datetime
) -> None:
    """Insert somebody on the way in."""
    await work.execute(
        _ADD,
        token_hash=token_hash,
        user_id=underway.user_id,
        amr=list(underway.amr),
        kind=underway.kind,
        user_agent=cut_user_agent(underway.user_agent),
        session_id=underway.session_id,
        expires_at=expires_at,
    )


async def find_pending(work: Work, hashed: bytes) -> Underway | None:
    """Return somebody on the way in."""
    row = (await work.execute(_FIND, hash=hashed, now=work.now)).first()
    if row is None:
        return None
    return Underway(
        user_id=row.user_id,
        amr=tuple(row.amr),
        kind=row.kind,
        user_agent=row.user_agent,
        session_id=row.session_id,
        token_hash=bytes(row.token_hash),
    )


async def take_pending(work: Work, hashed: bytes) -> bool:
    """Take somebody off the list, once; whoever goes on is put there anew."""
    return await take(work, _TAKE, hash=hashed, now=work.now) is not None


async def forget_pending(work: Work, user_id: str) -> None:
    """Take a person off the list wherever they stand."""
    await work.execute(_FORGET, user_id=user_id)


async def sweep_pending(work: Work) -> int:
    """Delete who took too long."""
    return (await work.execute(_SWEEP, now=work.now)).count
