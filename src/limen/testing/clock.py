"""A clock that stands still until it is told to move."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.kernel.clock import UTC

START: Final = dt.datetime(2031, 3, 14, 9, 26, 53, tzinfo=UTC)
"""Where a frozen clock starts: a moment no fixture's certificate or real token shares."""


class FrozenClock:
    """Tell the same moment until moved; the ``Clock`` port for tests.

    Args:
        start: Aware, in UTC.
    """

    def __init__(self, start: dt.datetime = START) -> None:
        self._now = _aware(start)

    def now(self) -> dt.datetime:
        """Return the moment it stands at."""
        return self._now

    def advance(self, by: dt.timedelta) -> dt.datetime:
        """Move forward and return the new moment.

        Args:
            by: Zero or more; a clock that runs backwards is ``move_to``'s affair.

        Raises:
            ValueError: If ``by`` is negative.
        """
        if by < dt.timedelta():
            raise ValueError("a clock advances; use move_to to set it back")
        self._now += by
        return self._now

    def move_to(self, moment: dt.datetime) -> None:
        """Stand at another moment, later or earlier."""
        self._now = _aware(moment)


def _aware(moment: dt.datetime) -> dt.datetime:
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)
