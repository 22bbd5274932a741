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


def in_utc(moment: dt.datetime) -> dt.datetime:
    """Turn a moment that somebody sent into aware UTC, as all that we keep is.

    Raises:
        ValueError: It names no offset, or lies in UTC before the first or behind the last year
            there is: once kept, nothing could read it back.
    """
    if moment.utcoffset() is None:
        raise ValueError("a moment with its offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment between the years 1 and 9999") from None
