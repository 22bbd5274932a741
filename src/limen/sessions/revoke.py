"""End sessions, and the tokens that came of them."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.sessions import store
from limen.sessions.events import SessionEnded
from limen.tokens.end_grant import end_grants_of_session


async def revoke(
    work: Work,
    *,
    session_id: str,
    user_id: str | None = None,
    reason: str = "signed_out",
    must_exist: bool = True,
) -> None:
    """End one session and its tokens.

    Args:
        work: The transaction.
        session_id: Which.
        user_id: Whose it must be: another's is not found, whatever its id (N200).
        reason: For the log and for who is told.
        must_exist: Refuse when there is none; otherwise ending it twice is fine.

    Raises:
        NotFound: ``session_not_found``.
    """
    if user_id is not None:
        session = await store.find_live(work, session_id)
        if session is None or session.user_id != user_id:
            raise NotFound("session_not_found")
    owner = await store.end_session(work, session_id)
    if owner is None:
        if must_exist:
            raise NotFound("session_not_found")
        return
    event = SessionEnded(user_id=owner, session_id=session_id, reason=reason)
    await _end_tokens(work, event)


async def revoke_all(
    work: Work, *, user_id: str, except_id: str | None = None, reason: str = "revoked"
) -> int:
    """End a person's sessions and their tokens.

    Args:
        work: The transaction.
        user_id: Whose.
        except_id: The one to keep, usually the one that asks.
        reason: For the log and for who is told.

    Returns:
        How many ended.
    """
    ended = await store.end_sessions_of(work, user_id, except_id=except_id or "")
    for session_id in ended:
        event = SessionEnded(user_id=user_id, session_id=session_id, reason=reason)
        await _end_tokens(work, event)
    return len(ended)


async def _end_tokens(work: Work, event: SessionEnded) -> None:
    await end_grants_of_session(work, session_id=event.session_id, reason=event.reason)
    await work.record(event)
