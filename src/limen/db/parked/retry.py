"""List what was given up, and have it tried again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.outbox import wake
from limen.db.parked.events import OutboxRetried
from limen.db.tables import outbox
from limen.db.types import DbNow
from limen.db.work import Work

_PARKED_OF_TENANT = (outbox.c.tenant_id == bindparam("tenant_id"), outbox.c.due_at.is_(None))
# scans: what a tenant has waiting, when an operator asks
_PARKED = (
    sa.select(
        outbox.c.id,
        outbox.c.kind,
        outbox.c.created_at,
        outbox.c.attempts,
        outbox.c.last_error,
    )
    .where(*_PARKED_OF_TENANT)
    .order_by(outbox.c.id)
    .limit(bindparam("most", type_=sa.Integer))
)
# scans: what a tenant has waiting, when an operator asks
_RETRY = (
    sa.update(outbox)
    .where(*_PARKED_OF_TENANT, outbox.c.kind.in_(bindparam("kinds", expanding=True)))
    .values(attempts=0, last_error=None, due_at=DbNow(bindparam("delay_seconds", type_=sa.Float)))
    .returning(outbox.c.kind)
)
# scans: as above
_RETRY_ALL = (
    sa.update(outbox)
    .where(*_PARKED_OF_TENANT)
    .values(attempts=0, last_error=None, due_at=DbNow(bindparam("delay_seconds", type_=sa.Float)))
    .returning(outbox.c.kind)
)


class Parked(NamedTuple):
    """A delivery that was given up.

    Attributes:
        attempts: Made until then.
        last_error: The code or the kind of what went wrong last.
    """

    id: str
    kind: str
    created_at: dt.datetime
    attempts: int
    last_error: str


async def list_parked(work: Work, *, most: int) -> list[Parked]:
    """Return what was given up in this tenant, the oldest first; what it holds stays unseen."""
    rows = await work.execute(_PARKED, most=most)
    return [
        Parked(row.id, row.kind, row.created_at, row.attempts, row.last_error or "")
        for row in rows.all()
    ]


async def retry_parked(work: Work, *, kinds: Collection[str] = ()) -> int:
    """Have what was given up in this tenant tried again, from the first attempt on; record it.

    Args:
        work: The tenant's.
        kinds: Which; all of them if none is named.

    Returns:
        How many there were.
    """
    if kinds:
        rows = await work.execute(_RETRY, kinds=list(kinds), delay_seconds=0.0)
    else:
        rows = await work.execute(_RETRY_ALL, delay_seconds=0.0)
    retried = [row.kind for row in rows.all()]
    if retried:
        kinds_retried = tuple(sorted(set(retried)))
        await work.record(OutboxRetried(count=len(retried), kinds=kinds_retried))
        work.after_commit(wake)
    return len(retried)
