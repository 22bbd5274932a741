"""By when a person must connect again, as far as anybody can tell. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from limen.vault.refresh.expiry import read_seconds

REMINDERS: Final = (dt.timedelta(days=14), dt.timedelta(days=3), dt.timedelta(days=1))
"""How long before, at each of which a person is told."""

_TOLD_AS: Final = ("refresh_token_expires_in", "refresh_expires_in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What ends when, by itself.

    Args:
        refresh_ends_at: The refresh token, whatever is done with it; ``None`` is unknown.
        reconnect_by: When only the person can help; ``None``: nothing ends by itself.
    """

    refresh_ends_at: dt.datetime | None
    reconnect_by: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the forecast goes by.

    Args:
        told: Members of the token response.
        requested_at: When that was asked for: also the refresh token's last use.
        consented_at: When the person agreed.
        known_end: What an earlier response of the same refresh token said.
        rotated: A new refresh token came: what was said of the old one is history.
        has_refresh: Without one the connection ends with its access token.
        access_ends_at: ``None`` is unknown.
        idle_seconds: The catalogue's: an unused refresh token dies after so long.
        absolute_seconds: The catalogue's: it dies so long after the consent.
    """

    told: Any
    requested_at: dt.datetime
    consented_at: dt.datetime
    known_end: dt.datetime | None = None
    rotated: bool = False
    has_refresh: bool = True
    access_ends_at: dt.datetime | None = None
    idle_seconds: int | None = None
    absolute_seconds: int | None = None


def foresee(facts: Facts) -> Ends:
    """Return what ends when; the response beats what is known of the provider."""
    if not facts.has_refresh:
        return Ends(refresh_ends_at=None, reconnect_by=facts.access_ends_at)
    end = _told_end(facts)
    if end is None and not facts.rotated:
        end = facts.known_end
    if end is None and facts.absolute_seconds is not None:
        end = facts.consented_at + dt.timedelta(seconds=facts.absolute_seconds)
    idle = None
    if facts.idle_seconds is not None:
        idle = facts.requested_at + dt.timedelta(seconds=facts.idle_seconds)
    known = [each for each in (end, idle) if each is not None]
    return Ends(refresh_ends_at=end, reconnect_by=min(known, default=None))


def next_reminder(reconnect_by: dt.datetime | None, *, now: dt.datetime) -> dt.datetime | None:
    """Return when to remind a person next; ``None`` once all was said, or nothing ends."""
    if reconnect_by is None:
        return None
    moments = (reconnect_by - before for before in REMINDERS)
    return next((moment for moment in moments if moment > now), None)


def _told_end(facts: Facts) -> dt.datetime | None:
    """Read what the response says of its refresh token; some say 0 for *never*."""
    for name in _TOLD_AS:
        seconds = read_seconds(facts.told.get(name))
        if seconds:
            return facts.requested_at + dt.timedelta(seconds=seconds)
    return None
