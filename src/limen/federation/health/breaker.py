"""When failures of many grants at one provider are an incident of ours. Pure.

A provider that is broken says ``invalid_grant`` to everybody; believed, it would ask every
person to connect again (F19). Whoever fails alone is believed at once; whoever fails as one of
many, with nobody succeeding in between, is not.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

WINDOW: Final = dt.timedelta(minutes=10)
"""Failures further apart have nothing to do with each other."""

BURST: Final = 5
"""So many different grants, none of them succeeding in between, are a burst."""

BELIEVED_AFTER: Final = dt.timedelta(hours=6)
"""A provider that goes on refusing for so long means it."""

_SHORTEST_BLOCK: Final = dt.timedelta(minutes=1)
_LONGEST_BLOCK: Final = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Failures since the last success.

    Args:
        since: Of the first of them.
        grants: Which failed, each once.
        ended: Those of them that were ended for it.
    """

    since: dt.datetime
    grants: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()

    @property
    def is_burst(self) -> bool:
        """Whether so many failed that it is nobody's own trouble."""
        return len(self.grants) >= BURST


def after_failure(
    before: Failing | None, *, grant_id: str, ends: bool, now: dt.datetime
) -> Failing:
    """Return the failures with one more.

    Args:
        before: What was known; ``None`` after a success.
        grant_id: Whose refresh failed.
        ends: Whether the answer would end the grant.
        now: When.
    """
    if before is None or now - before.since > WINDOW:
        before = Failing(since=now)
    grants = before.grants if grant_id in before.grants else (*before.grants, grant_id)
    ended = before.ended
    if ends and grant_id not in ended:
        ended = (*ended, grant_id)
    return Failing(since=before.since, grants=grants[-2 * BURST :], ended=ended[-2 * BURST :])


def pause_after(since: dt.datetime, *, now: dt.datetime) -> dt.timedelta:
    """Return how long nobody asks during an incident: the longer it lasts, the longer."""
    return max(_SHORTEST_BLOCK, min(_LONGEST_BLOCK, (now - since) / 4))


def is_believed(since: dt.datetime, *, now: dt.datetime) -> bool:
    """Say whether a refusal counts although an incident is standing."""
    return now - since >= BELIEVED_AFTER
