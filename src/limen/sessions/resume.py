"""Go on with a session."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.sessions import store
from limen.sessions.session import COOKIE_KIND, Session
from limen.tenants import policy_of

TOUCH_EVERY: Final = dt.timedelta(minutes=1)
"""Use of a session is written at most this often: reads stay reads."""


async def resume(work: Work, *, raw: Secret[str]) -> Session | None:
    """Return the live session of a cookie, or ``None``.

    Refused are cookies that are malformed, unknown, of another tenant, ended, idle for too
    long or past their absolute end, which no use extends (N179).

    Args:
        work: In the tenant the request is for.
        raw: The cookie's value.
    """
    told = read(raw, kind=COOKIE_KIND)
    if told is None or told.tenant_id != work.tenant_id:
        return None
    session = await store.find_by_hash(work, token_hash(raw))
    if session is None or not session.is_live(work.now):
        return None
    await _touch(work, session)
    return session


async def keep_alive(work: Work, *, session_id: str) -> bool:
    """Say whether a session is live, and count this as its use: for refresh tokens bound to it.

    Args:
        work: The transaction of the refresh.
        session_id: Which.

    Returns:
        ``False`` when it ended, idled or expired: what is bound to it is over.
    """
    session = await store.find_live(work, session_id)
    if session is None:
        return False
    await _touch(work, session)
    return True


async def _touch(work: Work, session: Session) -> None:
    if work.now - session.last_seen_at < TOUCH_EVERY:
        return
    idle = dt.timedelta(seconds=policy_of(work).session_idle_seconds)
    idle_until = min(work.now + idle, session.expires_at)
    session_id = session.id

    async def keep(inner: Work) -> None:
        await store.touch(inner, session_id, idle_until=idle_until)

    # At the end of the Work: a request that only reads, hashes or calls out opens no
    # transaction before it must, and a refused one was a use of the session all the same.
    work.even_if_refused(keep)
