"""A session: one sign-in, on one browser or as one pair of first-party tokens."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from limen.kernel.secret import Secret

SessionKind = Literal["browser", "tokens", "host"]

COOKIE_KIND: Final = "lms"
"""The prefix of a session cookie's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as stored.

    Args:
        id: Names it; grants nothing.
        user_id: Whose.
        kind: ``browser`` is carried by a cookie, ``tokens`` by first-party tokens, ``host``
            by the host application's own session.
        amr: How the person proved who they are, RFC 8176 values.
        user_agent: What the browser calls itself, for the person's own list.
        authenticated_at: When the person last proved who they are.
        last_seen_at: To the minute.
        idle_until: Over then unless used.
        expires_at: Over then however much it is used.
        ended_at: When it was ended before that.
    """

    id: str
    user_id: str
    kind: SessionKind
    amr: tuple[str, ...]
    user_agent: str
    started_at: dt.datetime
    authenticated_at: dt.datetime
    last_seen_at: dt.datetime
    idle_until: dt.datetime
    expires_at: dt.datetime
    ended_at: dt.datetime | None

    def is_live(self, now: dt.datetime) -> bool:
        """Whether it still counts: neither ended nor idle nor expired."""
        return self.ended_at is None and now < self.idle_until and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Started:
    """A session that began, or went on under a new cookie.

    Args:
        session: The session.
        raw: The cookie's value; ``None`` for a session of tokens.
    """

    session: Session
    raw: Secret[str] | None
