"""The SQL of proven external accounts; taking one deletes its row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.types import Moment
from limen.db.work import Work
from limen.signin.provider.tables import proven_identities

_p = proven_identities.c
MAX_ATTEMPTS: Final = 5
MAX_MAILS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A proven account, still sealed.

    Args:
        user_id: Whose mailbox has to be proven; empty for a ticket.
        address: That mailbox, canonical.
        detail: What is needed to go on; no secret.
    """

    token_hash: bytes
    user_id: str
    address: str
    sealed_identity: bytes
    detail: Mapping[str, Any]
    code_mac: bytes | None
    mails: int


_COLUMNS: Final = tuple(_p[name] for name in Kept.__dataclass_fields__)
_LIVE: Final = (
    _p.tenant_id == bindparam("tenant_id"),
    _p.token_hash == bindparam("hash"),
    _p.kind == bindparam("kind"),
    _p.binding_hash == bindparam("binding"),
    _p.expires_at > bindparam("now", type_=Moment()),
)
_ADD = sa.insert(proven_identities)
_FIND = sa.select(*_COLUMNS).where(*_LIVE)
_TAKE = sa.delete(proven_identities).where(*_LIVE).returning(*_COLUMNS)
_SET_CODE = (
    sa.update(proven_identities)
    .where(*_LIVE, _p.mails < MAX_MAILS)
    .values(code_mac=bindparam("new_mac"), attempts=0, mails=_p.mails + 1)
    .returning(_p.mails)
)
_SPEND = (
    sa.update(proven_identities)
    .where(*_LIVE, _p.code_mac.is_not(None), _p.attempts < MAX_ATTEMPTS)
    .values(attempts=_p.attempts + 1)
    .returning(*_COLUMNS)
)
_SWEEP = sa.delete(proven_identities).where(
    _p.tenant_id == bindparam("tenant_id"),
    _p.expires_at <= bindparam("now", type_=Moment()),
)


async def add(work: Work, *, expires_at: dt.datetime, **columns: Any) -> None:
    """Insert a proven account."""
    await work.execute(_ADD, code_mac=None, attempts=0, mails=0, expires_at=expires_at, **columns)


async def find(work: Work, *, kind: str, hashed: bytes, binding: bytes = b"") -> Kept | None:
    """Return one without taking it."""
    rows = await work.execute(_FIND, kind=kind, hash=hashed, binding=binding, now=work.now)
    return _kept(rows.first())


async def take_kept(work: Work, *, kind: str, hashed: bytes, binding: bytes = b"") -> Kept | None:
    """Consume one, once, with what it is bound to."""
    return _kept(await take(work, _TAKE, kind=kind, hash=hashed, binding=binding, now=work.now))


async def set_code(work: Work, *, hashed: bytes, code_mac: bytes) -> bool:
    """Replace the code of a proof; ``False`` if there were too many, or it is over."""
    rows = await work.execute(
        _SET_CODE, kind="proof", hash=hashed, binding=b"", now=work.now, new_mac=code_mac
    )
    return rows.first() is not None


async def spend_attempt(work: Work, *, hashed: bytes) -> Kept | None:
    """Count a guess at a code; ``None`` if there is none left."""
    rows = await work.execute(_SPEND, kind="proof", hash=hashed, binding=b"", now=work.now)
    return _kept(rows.first())


async def sweep(work: Work) -> int:
    """Delete what took too long."""
    return (await work.execute(_SWEEP, now=work.now)).count


def _kept(row: Any) -> Kept | None:
    if row is None:
        return None
    members = row._asdict()
    members["token_hash"] = bytes(row.token_hash)
    members["sealed_identity"] = bytes(row.sealed_identity)
    members["code_mac"] = None if row.code_mac is None else bytes(row.code_mac)
    return Kept(**members)
