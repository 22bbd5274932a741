"""The SQL of second factors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.types import upsert
from limen.db.work import Work
from limen.mfa.tables import factors, recovery_codes

TOTP: Final = "totp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totp:
    """An authenticator app's secret as stored; ``confirmed_at`` is ``None`` until a code came."""

    id: str
    sealed_secret: bytes = field(repr=False)
    created_at: dt.datetime
    confirmed_at: dt.datetime | None
    last_used_at: dt.datetime | None


_COLUMNS: Final = (
    factors.c.id,
    factors.c.sealed_secret,
    factors.c.created_at,
    factors.c.confirmed_at,
    factors.c.last_used_at,
)
_OF_USER: Final = (
    factors.c.tenant_id == bindparam("tenant_id"),
    factors.c.user_id == bindparam("user_id"),
    factors.c.kind == TOTP,
)
_CODES_OF_USER: Final = (
    recovery_codes.c.tenant_id == bindparam("tenant_id"),
    recovery_codes.c.user_id == bindparam("user_id"),
)

_FIND: Final = sa.select(*_COLUMNS).where(*_OF_USER)
_HAS: Final = sa.select(factors.c.id).where(*_OF_USER, factors.c.confirmed_at.is_not(None))
# A factor that somebody confirmed is never replaced by one that nobody did.
_PUT: Final = upsert(
    factors,
    conflict=("tenant_id", "user_id", "kind"),
    changes={
        "id": bindparam("id"),
        "sealed_secret": bindparam("sealed_secret"),
        "created_at": bindparam("created_at"),
    },
    where=factors.c.confirmed_at.is_(None),
    returning=(factors.c.id,),
)
_CONFIRM: Final = (
    sa.update(factors)
    .where(*_OF_USER, factors.c.id == bindparam("factor_id"), factors.c.confirmed_at.is_(None))
    .values(confirmed_at=bindparam("now"), last_step=bindparam("step"))
    .returning(factors.c.id)
)
# A step is good once, and so are none before it (RFC 6238 section 5.2, N166).
_TAKE_STEP: Final = (
    sa.update(factors)
    .where(
        *_OF_USER,
        factors.c.id == bindparam("factor_id"),
        factors.c.confirmed_at.is_not(None),
        factors.c.last_step < bindparam("step"),
    )
    .values(last_step=bindparam("step"), last_used_at=bindparam("now"))
    .returning(factors.c.id)
)
_DELETE: Final = sa.delete(factors).where(
    factors.c.tenant_id == bindparam("tenant_id"), factors.c.user_id == bindparam("user_id")
)
_ADD_CODE: Final = sa.insert(recovery_codes)
_REDEEM_CODE: Final = (
    sa.delete(recovery_codes)
    .where(*_CODES_OF_USER, recovery_codes.c.code_mac == bindparam("code_mac"))
    .returning(recovery_codes.c.user_id)
)
_COUNT_CODES: Final = sa.select(sa.func.count()).select_from(recovery_codes).where(*_CODES_OF_USER)
_DELETE_CODES: Final = sa.delete(recovery_codes).where(*_CODES_OF_USER)


async def find_totp(work: Work, user_id: str) -> Totp | None:
    """Return a person's authenticator, confirmed or not."""
    return _totp((await work.execute(_FIND, user_id=user_id)).first())


async def has_factor(work: Work, user_id: str) -> bool:
    """Whether a person has a confirmed factor."""
    return await work.find(_HAS, user_id=user_id) is not None


def foresee_factor(work: Work, user_id: str) -> None:
    """Have read along what ``has_factor`` will ask."""
    work.foresee(_HAS, user_id=user_id)


async def put_totp(work: Work, user_id: str, *, factor_id: str, sealed_secret: bytes) -> bool:
    """Keep a new secret until it is confirmed; ``False`` if one is confirmed already."""
    rows = await work.execute(
        _PUT,
        id=factor_id,
        user_id=user_id,
        kind=TOTP,
        sealed_secret=sealed_secret,
        last_step=0,
        created_at=work.now,
        confirmed_at=None,
        last_used_at=None,
    )
    return rows.first() is not None


async def take_confirmation(work: Work, user_id: str, *, factor_id: str, step: int) -> bool:
    """Confirm a factor, once; the step that confirmed it is spent."""
    row = await take(work, _CONFIRM, user_id=user_id, factor_id=factor_id, step=step, now=work.now)
    return row is not None


async def take_step(work: Work, user_id: str, *, factor_id: str, step: int) -> bool:
    """Spend a time step and those before it; ``False`` if it was."""
    row = await take(
        work, _TAKE_STEP, user_id=user_id, factor_id=factor_id, step=step, now=work.now
    )
    return row is not None


async def delete_factors(work: Work, user_id: str) -> bool:
    """Delete a person's factors; ``False`` if there were none."""
    return (await work.execute(_DELETE, user_id=user_id)).count > 0


async def replace_codes(work: Work, user_id: str, macs: Iterable[bytes]) -> None:
    """Let these be a person's recovery codes, and no others."""
    await work.execute(_DELETE_CODES, user_id=user_id)
    await work.execute_many(
        _ADD_CODE,
        [{"user_id": user_id, "code_mac": mac, "created_at": work.now} for mac in macs],
    )


async def redeem_code(work: Work, user_id: str, *, code_mac: bytes) -> bool:
    """Spend a recovery code; ``False`` if it is none, or was spent."""
    return await take(work, _REDEEM_CODE, user_id=user_id, code_mac=code_mac) is not None


async def count_codes(work: Work, user_id: str) -> int:
    """Return how many recovery codes a person has left."""
    found = (await work.execute(_COUNT_CODES, user_id=user_id)).scalar()
    return int(found or 0)


async def delete_codes(work: Work, user_id: str) -> None:
    """Delete a person's recovery codes."""
    await work.execute(_DELETE_CODES, user_id=user_id)


def _totp(row: Row | None) -> Totp | None:
    if row is None:
        return None
    return Totp(
        id=row.id,
        sealed_secret=bytes(row.sealed_secret),
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        last_used_at=row.last_used_at,
    )
