"""The development clock: an offset that every process reads from one row.

Business time is the machine's plus this offset, so that expiry, rotation, lock-out and upstream
refresh can be watched. In production nothing reads or writes the row.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.tables import clock_offset
from limen.db.types import DbNow, upsert
from limen.db.work import Work, Works
from limen.kernel.clock import SystemClock
from limen.kernel.site import ALL_TENANTS

# tenant: the offset is one for all, its row's tenant is empty
_READ = sa.select(clock_offset.c.seconds).where(clock_offset.c.tenant_id == bindparam("tenant_id"))
_MOVE = upsert(
    clock_offset,
    conflict=("tenant_id",),
    changes={"seconds": clock_offset.c.seconds + bindparam("by_seconds", type_=sa.Float)},
    returning=(clock_offset.c.seconds,),
)
_DATABASE_TIME = sa.select(DbNow().label("now"))  # tenant: none, it asks no table


async def refresh_offset(works: Works, clock: SystemClock) -> None:
    """Read the offset that any process may have moved."""

    async def body(work: Work) -> float:
        return float((await work.execute(_READ)).scalar() or 0.0)

    clock.offset = dt.timedelta(seconds=await works.run(ALL_TENANTS, body))


async def move_clock(works: Works, clock: SystemClock, *, by: dt.timedelta) -> dt.datetime:
    """Move business time for every process; return the new time here.

    Args:
        works: Where the offset is kept.
        clock: This process's clock, moved at once; others follow within a second.
        by: How far, forward or back.
    """
    seconds = by.total_seconds()

    async def body(work: Work) -> float:
        return float((await work.execute(_MOVE, seconds=seconds, by_seconds=seconds)).scalar())

    clock.offset = dt.timedelta(seconds=await works.run(ALL_TENANTS, body))
    return clock.now()


async def skew(works: Works, clock: SystemClock) -> dt.timedelta:
    """Return how far this machine's own clock is ahead of the database's."""

    async def body(work: Work) -> dt.datetime:
        now: dt.datetime = (await work.execute(_DATABASE_TIME)).scalar()
        return now

    database_now = await works.run(ALL_TENANTS, body, although_halted=True)
    return clock.machine_now() - database_now
