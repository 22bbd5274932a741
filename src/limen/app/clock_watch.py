"""Watch this machine's clock: what it says decides how long codes, tokens and sessions live.

A node whose clock runs ahead ends what is valid, one that lags or steps back revives what has
ended. Beyond ten seconds it refuses everything until the clock is right again, and says so.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.shared_clock import skew
from limen.db.work import Works
from limen.kernel.clock import SystemClock
from limen.observe import logger
from limen.observe.metrics import set_clock_skew

EVERY_SECONDS: Final = 2.0
_MOST: Final = dt.timedelta(seconds=10)

_log = logger("limen.clock")


class ClockWatch:
    """Compares the machine's clock with the database's, and with what it said before.

    The database on the machine itself, SQLite, goes wrong with it: there only a step back shows.
    A step forward looks like a machine that slept, and makes nothing live longer. What was said
    before counts from this process's start: after a step that was right, start it again.

    Args:
        works: Halted while the clock is wrong.
        clock: This process's.
    """

    def __init__(self, works: Works, clock: SystemClock) -> None:
        self._works = works
        self._clock = clock
        self._latest = clock.machine_now()

    async def look(self) -> bool:
        """Look once; return whether the clock is right.

        Raises:
            Unavailable: If the database can't be asked.
        """
        ahead = await skew(self._works, self._clock)
        now = self._clock.machine_now()
        off = max(abs(ahead), self._latest - now)
        set_clock_skew(off.total_seconds())
        is_right = off <= _MOST
        if is_right:
            self._latest = max(self._latest, now)
        else:
            _log.error("this machine's clock is wrong", seconds=off.total_seconds())
        self._works.halted = not is_right
        return is_right
