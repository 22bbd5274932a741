"""Remember what may be presented once before anything else of the request is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from limen.db.work import Work, Works
from limen.tokens.replay.first_time import Presented, first_time

_KEY: Final = "first_times"


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Something that may be presented once; the arguments of ``first_time``."""

    kind: Presented
    of: str
    value: str
    until: dt.datetime


async def first_time_durably(
    works: Works, work: Work, *, once: Once, memory: MutableMapping[str, Any]
) -> bool:
    """As ``first_time``, in a transaction of its own that is over when this returns.

    The request's own transaction stays shut: what follows may have to call out. Should the
    database have the exchange run again, the same request is not its own replay.

    Args:
        works: Open that transaction.
        work: The request's; nothing was written in it yet.
        once: What was presented.
        memory: Lives as long as the request, however often it is run.
    """
    seen: set[Once] = memory.setdefault(_KEY, set())
    if once in seen:
        return True

    async def body(own: Work) -> bool:
        return await first_time(own, kind=once.kind, of=once.of, value=once.value, until=once.until)

    await work.let_go()
    is_new = await works.run(work.site, body)
    if is_new:
        seen.add(once)
    return is_new
