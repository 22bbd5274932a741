"""Time is an argument: the clock everything is told by."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

UTC = dt.timezone.utc


class Clock(Protocol):
    """Tell the time, aware and in UTC."""

    def now(self) -> dt.datetime:
        """Return this moment."""
        ...


class SystemClock:
    """The machine's clock, shifted by the development offset (zero in production)."""

    def __init__(self) -> None:
        self.offset = dt.timedelta()

    def now(self) -> dt.datetime:
        """Return the machine's time plus the offset."""
        return self.machine_now() + self.offset

    def machine_now(self) -> dt.datetime:
        """Return what the machine says."""
        return dt.datetime.now(UTC)  # noqa: TID251 -- the one place that asks the machine


def from_timestamp(seconds: float) -> dt.datetime:
    """Turn seconds since the epoch, as JWT claims carry them, into aware UTC."""
    return dt.datetime.fromtimestamp(seconds, UTC)


def to_timestamp(moment: dt.datetime) -> int:
    """Turn an aware moment into whole seconds since the epoch."""
    return int(moment.timestamp())
