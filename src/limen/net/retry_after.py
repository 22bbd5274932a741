"""How long another service wants to be left alone, as ``Retry-After`` says (RFC 9110 10.2.3)."""

from __future__ import annotations

import datetime as dt
import math
from email.utils import parsedate_to_datetime


def read_retry_after(raw: str | None, *, date: str | None, most_seconds: int) -> int | None:
    """Read seconds, or a moment; ``None`` if it says neither.

    Args:
        raw: The header's value, if there was one.
        date: The answer's own ``Date``: a moment counts from the clock that named it, so that
            nobody's clock has to be right.
        most_seconds: An absurd number is no reason to stop for longer.
    """
    if raw is None:
        return None
    if raw.isascii() and raw.isdecimal():
        return min(int(raw[:9]), most_seconds)
    until, said = _moment(raw), _moment(date or "")
    if until is None or said is None:
        return None
    return max(0, min(math.ceil((until - said).total_seconds()), most_seconds))


def _moment(raw: str) -> dt.datetime | None:
    try:
        found = parsedate_to_datetime(raw)
    except (ValueError, OverflowError):
        # Also where a number in it is one that no moment has: whoever answers may write anything.
        return None
    return found if found.tzinfo is not None else None
