"""Begin a session."""

from __future__ import annotations

import datetime as dt

from limen.db.work import Work
from limen.kernel.ids import new_id
from limen.kernel.tokens import mint, token_hash
from limen.sessions import store
from limen.sessions.events import SessionStarted
from limen.sessions.revoke import revoke
from limen.sessions.session import COOKIE_KIND, Session, SessionKind, Started
from limen.tenants import policy_of

_MAX_USER_AGENT_CHARACTERS = 200


async def start(
    work: Work,
    *,
    user_id: str,
    amr: tuple[str, ...],
    kind: SessionKind = "browser",
    user_agent: str = "",
    replaces: str | None = None,
) -> Started:
    """Begin a session for someone who just proved who they are.

    Call it in the same Work as ``accounts.check_password``, which holds the user's row: a
    password changed or a user disabled meanwhile then leaves no session behind.

    Args:
        work: The transaction of the sign-in.
        user_id: Whose.
        amr: How they proved it.
        kind: ``tokens`` for a first-party pair of tokens: no cookie; its refresh token keeps it.
        user_agent: As the browser says; cut, and cleaned of what does not print.
        replaces: The session this browser had before: it ends, so that a planted cookie is
            worth nothing after the sign-in (session fixation).

    Returns:
        The session and, for a browser, its cookie's value, which is new each time.
    """
    if replaces is not None:
        await revoke(work, session_id=replaces, reason="replaced", must_exist=False)
    raw = mint(COOKIE_KIND, work.tenant_id) if kind == "browser" else None
    session = _new(work, user_id=user_id, amr=amr, kind=kind, user_agent=user_agent)
    await store.add_session(work, session, token_hash=None if raw is None else token_hash(raw))
    await _tell(work, session)
    return Started(session, raw)


async def start_alone(
    work: Work, *, user_id: str, amr: tuple[str, ...], user_agent: str = ""
) -> Started:
    """Begin the session of a pair of tokens, as ``start`` does, where nothing else names it.

    It is written with the end of the Work, which must neither look for it nor refer to it: one
    round trip less at every sign-in.

    Args:
        work: The transaction of the sign-in.
        user_id: Whose.
        amr: How they proved it.
        user_agent: As the caller says.
    """
    session = _new(work, user_id=user_id, amr=amr, kind="tokens", user_agent=user_agent)
    store.add_session_last(work, session)
    await _tell(work, session)
    return Started(session, None)


def _new(
    work: Work, *, user_id: str, amr: tuple[str, ...], kind: SessionKind, user_agent: str
) -> Session:
    policy = policy_of(work)
    expires_at = work.now + dt.timedelta(seconds=policy.session_absolute_seconds)
    idle = dt.timedelta(seconds=policy.session_idle_seconds)
    return Session(
        id=new_id(work.now),
        user_id=user_id,
        kind=kind,
        amr=amr,
        user_agent=cut_user_agent(user_agent),
        started_at=work.now,
        authenticated_at=work.now,
        last_seen_at=work.now,
        idle_until=min(work.now + idle, expires_at),
        expires_at=expires_at,
        ended_at=None,
    )


async def _tell(work: Work, session: Session) -> None:
    await work.record(
        SessionStarted(
            user_id=session.user_id, session_id=session.id, kind=session.kind, amr=session.amr
        )
    )


def cut_user_agent(user_agent: str) -> str:
    """Return what is kept of what a browser calls itself: its beginning, and what prints."""
    cut = user_agent[:_MAX_USER_AGENT_CHARACTERS]
    return "".join(character for character in cut if character.isprintable())
