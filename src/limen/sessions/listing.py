"""Read sessions."""

from __future__ import annotations

from limen.db.work import Work
from limen.sessions import store
from limen.sessions.session import Session

end_of_live = store.end_of_live
"""For statements of others that read a row made in a session, and must know it is not over."""

hold_live = store.hold_live
"""The same where something is given for it: the session can't end before that is done."""


async def list_sessions(work: Work, *, user_id: str) -> list[Session]:
    """Return a person's live sessions, the last used first."""
    return await store.list_live(work, user_id)


async def find_session(work: Work, session_id: str) -> Session | None:
    """Return a session if it is live."""
    return await store.find_live(work, session_id)
