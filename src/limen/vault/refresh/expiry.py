"""How long a token lasts and when to refresh it. Pure; *unknown* is a value of its own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.protocol.jwt import JwtRefused, peek

_LONGEST_SECONDS: Final = 10 * 366 * 24 * 3600
_LATEST: Final = 2**40
"""Beyond it an ``exp`` is no date, and an arithmetic error at best."""
_MARGIN_SHARE: Final = 0.2
_EARLIEST_SHARE: Final = 0.70
_LATEST_SHARE: Final = 0.85


def read_seconds(raw: object) -> int | None:
    """Read ``expires_in``: a whole number, also as text; anything else says nothing.

    Zero is *expired*, not *never* (F26); ``3600abc`` is not 3600 (F29); ``True`` is no number.
    """
    if isinstance(raw, bool):
        return None
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, str) and raw.isascii() and raw.isdecimal() and len(raw) <= 12:
        raw = int(raw)
    if not isinstance(raw, int) or not 0 <= raw <= _LONGEST_SECONDS:
        return None
    return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What else is known of an access token's lifetime when its response is silent (F27).

    Args:
        last_seconds: What an earlier response of this grant said: a length, never a moment
            (reusing the old moment would have it expired for ever, F28).
        default_seconds: The catalogue's; ``None`` if it does not know either.
    """

    last_seconds: int | None = None
    default_seconds: int | None = None


def lifetime_of(
    expires_in: object, *, raw_access: str, requested_at: dt.datetime, known: Known
) -> int | None:
    """Return the seconds an access token lives from the request on; ``None`` is unknown.

    The response says, else the grant's last lifetime, else the token itself if it is a JWT,
    else the catalogue. Unknown is not refreshed by time (F30).
    """
    told = read_seconds(expires_in)
    if told is not None:
        return told
    if known.last_seconds is not None:
        return known.last_seconds
    from_token = _jwt_seconds(raw_access, requested_at)
    return from_token if from_token is not None else known.default_seconds


def margin(lifetime_seconds: int | None, *, configured_seconds: int) -> dt.timedelta:
    """Return how much must be left of a token that is handed out.

    A fifth of the lifetime at most: a fixed margin longer than the life would have every
    call refresh (F31).
    """
    if lifetime_seconds is None:
        return dt.timedelta()
    return dt.timedelta(seconds=min(configured_seconds, lifetime_seconds * _MARGIN_SHARE))


def refresh_point(
    requested_at: dt.datetime, lifetime_seconds: int | None, *, floor_seconds: int, jitter: float
) -> dt.datetime | None:
    """Return when to refresh in the background, spread out so that a fleet does not come at once.

    Args:
        requested_at: When the token was asked for; its life counts from there (F32).
        lifetime_seconds: ``None``: never by time.
        floor_seconds: The shortest interval between refreshes.
        jitter: 0 to 1, drawn once and kept with the grant (F15).
    """
    if lifetime_seconds is None:
        return None
    share = _EARLIEST_SHARE + jitter * (_LATEST_SHARE - _EARLIEST_SHARE)
    return requested_at + dt.timedelta(seconds=max(lifetime_seconds * share, floor_seconds))


def _jwt_seconds(raw_access: str, requested_at: dt.datetime) -> int | None:
    """Read ``exp`` of an access token that happens to be a JWT; nobody verified it."""
    try:
        exp = peek(raw_access).claims.get("exp")
    except JwtRefused:
        return None
    if isinstance(exp, bool) or not isinstance(exp, int | float) or not 0 < exp < _LATEST:
        return None
    return read_seconds(int(max(0.0, exp - requested_at.timestamp())))
