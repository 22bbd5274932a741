"""How long things live; the defaults are the documented ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLifetimes:
    """Lifetimes of what is issued.

    Args:
        access_token: At most; a resource may want less.
        id_token: From issue to ``exp``.
        refresh_idle: An offline grant unused for so long ends. One bound to a session ends with
            the session instead.
        refresh_absolute: An offline grant ends after so long, however often it is used.
        grace: How long a rotated refresh token may still fetch its successor again, for a
            client whose connection broke before the answer came.
        grace_openings: How often. Zero is strict: a repetition gets nothing, yet within the
            grace it is not taken for theft.
    """

    access_token: dt.timedelta = dt.timedelta(minutes=15)
    id_token: dt.timedelta = dt.timedelta(hours=1)
    refresh_idle: dt.timedelta = dt.timedelta(days=30)
    refresh_absolute: dt.timedelta = dt.timedelta(days=180)
    grace: dt.timedelta = dt.timedelta(seconds=10)
    grace_openings: int = 3
