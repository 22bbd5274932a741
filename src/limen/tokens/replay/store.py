"""SQL of what may be presented once."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.tokens.tables import presented

_MARK = insert_or_nothing(
    presented, conflict=("tenant_id", "marker"), returning=(presented.c.marker,)
)
_SWEEP = sa.delete(presented).where(  # tenant: all, what is over is of nobody
    presented.c.expires_at <= bindparam("now", type_=presented.c.expires_at.type)
)


async def mark(work: Work, marker: bytes, *, until: dt.datetime) -> bool:
    """Add a marker; ``False`` if it was there."""
    rows = await work.execute(_MARK, marker=marker, expires_at=until)
    return rows.first() is not None


async def sweep(work: Work, *, surely: dt.datetime) -> int:
    """Delete the markers of all tenants whose time was over then, whichever node's clock one asks.

    Args:
        work: Of the server.
        surely: A moment that is past on every node.
    """
    return (await work.execute(_SWEEP, now=surely)).count
