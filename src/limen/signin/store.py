"""The throttle's rows: one statement decides and counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import Moment, upsert
from limen.db.work import Work
from limen.signin.budgets import DELAYS, FORGOTTEN_AFTER
from limen.signin.tables import throttles

_t = throttles.c
_MOMENT = Moment()


def _at(name: str) -> sa.BindParameter[dt.datetime]:
    return bindparam(name, type_=_MOMENT)


# What the statement would insert: a full budget less one, drawn on now.
_FULL = sa.literal_column("excluded.credit", sa.Integer())
_NOW = sa.literal_column("excluded.last_at", _MOMENT)

_IS_OLD = _t.last_at <= _at("forgotten")
_LEFT = _t.credit - 1
_LAST = len(DELAYS) - 1

_DRAW = upsert(
    throttles,
    conflict=("tenant_id", "key_hash"),
    changes={
        "credit": sa.case((_IS_OLD, _FULL), else_=_LEFT),
        "blocked_until": sa.case(
            # Open since long ago, not since now: an attempt that began before this one, and is
            # counted after it, has not been told to wait.
            (_IS_OLD, _at("forgotten")),
            (_LEFT > 0, _at("forgotten")),
            *((-step <= _LEFT, _at(f"wait_{step}")) for step in range(_LAST)),
            else_=_at(f"wait_{_LAST}"),
        ),
        "last_at": _NOW,
    },
    where=_t.blocked_until <= _NOW,
    returning=(_t.key_hash,),
)

_BLOCKED = sa.select(sa.func.max(_t.blocked_until)).where(
    _t.tenant_id == bindparam("tenant_id"), _t.key_hash.in_(bindparam("keys", expanding=True))
)

_REFUND = (
    sa.update(throttles)
    .where(_t.tenant_id == bindparam("tenant_id"), _t.key_hash == bindparam("key"))
    .values(credit=_t.credit + 1, blocked_until=_at("forgotten"))
)

_SWEEP = sa.delete(throttles).where(
    _t.tenant_id == bindparam("tenant_id"), _t.last_at <= _at("forgotten")
)


async def draw(work: Work, budgets: Mapping[bytes, int]) -> set[bytes]:
    """Draw one attempt from each budget; return those that have to wait, and gave none.

    Atomic: of any number of concurrent callers no more than a budget has are let through. Always
    in the same order: two attempts that share budgets never wait for each other.

    Args:
        work: Rolled back, if any has to wait.
        budgets: How many each has when it is full, by the hash of its name.
    """
    shared = {
        "blocked_until": work.now - FORGOTTEN_AFTER,
        "last_at": work.now,
        "forgotten": work.now - FORGOTTEN_AFTER,
        **{f"wait_{step}": work.now + delay for step, delay in enumerate(DELAYS)},
    }
    draws = [
        {"key_hash": key_hash, "credit": free - 1, **shared}
        for key_hash, free in sorted(budgets.items())
    ]
    drawn = await work.fetch_each(_DRAW, draws)
    return budgets.keys() - {bytes(row.key_hash) for row in drawn}


async def blocked_until(work: Work, key_hashes: Collection[bytes]) -> dt.datetime | None:
    """Return when the last of the budgets opens again."""
    found: dt.datetime | None = (await work.execute(_BLOCKED, keys=list(key_hashes))).scalar()
    return found


async def refund(work: Work, key_hashes: Collection[bytes]) -> None:
    """Give back one attempt of each budget that was none."""
    forgotten = work.now - FORGOTTEN_AFTER
    for key_hash in sorted(key_hashes):
        work.add_last(_REFUND, key=key_hash, forgotten=forgotten)


async def sweep_throttles(work: Work) -> int:
    """Forget budgets that are full again."""
    return (await work.execute(_SWEEP, forgotten=work.now - FORGOTTEN_AFTER)).count
