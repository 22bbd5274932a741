"""Who is on the way in, and how far they came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from limen.accounts.user import User
from limen.kernel.errors import NotAuthenticated
from limen.kernel.secret import Secret
from limen.sessions.session import Session, SessionKind
from limen.signin.journey import Step

KIND: Final = "lmn"
"""The prefix of a token that says who is on the way in."""

TTL: Final = dt.timedelta(minutes=15)
"""For so long a step waits; the next one begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """Somebody who proved a first factor, and has steps to pass.

    Args:
        amr: What they proved so far, RFC 8176 values.
        kind: Of the session that will begin.
        session_id: Whom this browser is signed in as already, if anybody.
        is_in: Whether that very session has steps to pass: none is begun, this one goes on.
        authenticated_at: Of that session.
        needs_factor: Whether a client needs two factors this time.
        is_alone: Nothing else of this Work names the session that begins (``start_alone``); it
            is one of tokens.
        token_hash: What the waiting row is found by; ``None`` while there is no row.
    """

    user_id: str
    amr: tuple[str, ...]
    kind: SessionKind = "browser"
    user_agent: str = ""
    session_id: str = ""
    is_in: bool = False
    authenticated_at: dt.datetime | None = None
    needs_factor: bool = False
    is_alone: bool = False
    token_hash: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Somebody is in.

    Args:
        raw_session: The cookie's new value; ``None`` where there is no cookie, or it stays.
    """

    user: User
    session: Session
    raw_session: Secret[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Somebody has a step to pass before they are in.

    Args:
        raw_token: Names them at the next step, once; ``None`` for a session that there is.
    """

    step: Step
    underway: Underway
    raw_token: Secret[str] | None
    expires_at: dt.datetime


def over() -> NotAuthenticated:
    """Return the refusal of a sign-in that has to begin again."""
    return NotAuthenticated("sign_in_over", "This sign-in took too long. Sign in again.")
