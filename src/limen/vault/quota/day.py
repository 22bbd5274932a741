"""Which day it is where a provider counts. Pure."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from limen.federation.facts import Quota, find_zone
from limen.kernel.clock import UTC


class QuotaDay(NamedTuple):
    """A provider's day.

    Args:
        day: ``2026-11-21``; sorts as it is.
        resets_at: When the next one begins.
    """

    day: str
    resets_at: dt.datetime

    def seconds_left(self, now: dt.datetime) -> int:
        """Return how long it lasts, at least a second."""
        return max(1, int((self.resets_at - now).total_seconds()) + 1)


def day_of(quota: Quota, now: dt.datetime) -> QuotaDay:
    """Return the day it is at a provider; by UTC on a machine that knows no time zones."""
    local = now.astimezone(find_zone(quota.resets_in) or UTC)
    tomorrow = local.date() + dt.timedelta(days=1)
    midnight = dt.datetime.combine(tomorrow, dt.time(), tzinfo=local.tzinfo)
    return QuotaDay(local.date().isoformat(), midnight.astimezone(UTC))


def days_before(day: str, days: int) -> str:
    """Return the day so many days before another."""
    return (dt.date.fromisoformat(day) - dt.timedelta(days=days)).isoformat()
