"""Note that someone signed in proved again, or better, who they are."""

from __future__ import annotations

import datetime as dt

from limen.db.work import Work
from limen.kernel.errors import NotAuthenticated
from limen.kernel.tokens import mint, token_hash
from limen.sessions import store
from limen.sessions.events import SessionElevated
from limen.sessions.session import COOKIE_KIND, Started
from limen.tenants import policy_of


async def elevate(work: Work, *, session_id: str, amr: tuple[str, ...], again: bool) -> Started:
    """Note what a session proved and renew its cookie; the former cookie dies.

    Its absolute end stays where it was (N179). So does the moment of authentication, unless the
    person signed in again: a code of an app alone is no sign-in, and makes no old one new for
    ``max_age`` and ``auth_time`` (OIDC Core section 2, RFC 9470 section 5). Nor does a new
    sign-in make an old code new: what was proven is what was proven at that moment.

    Args:
        work: The transaction of the proof.
        session_id: The session of who proved it.
        amr: How: added to what was proven before, or, of a whole sign-in, in its place.
        again: Whether it was a whole sign-in, the first factor included.

    Raises:
        NotAuthenticated: If the session is over.
    """
    current = await store.find_live(work, session_id)
    if current is None:
        raise NotAuthenticated
    raw = mint(COOKIE_KIND, work.tenant_id) if current.kind == "browser" else None
    idle = dt.timedelta(seconds=policy_of(work).session_idle_seconds)
    session = await store.rotate_session(
        work,
        session_id,
        amr=amr if again else tuple(dict.fromkeys((*current.amr, *amr))),
        authenticated_at=work.now if again else current.authenticated_at,
        token_hash=None if raw is None else token_hash(raw),
        idle_until=min(work.now + idle, current.expires_at),
    )
    if session is None:
        raise NotAuthenticated
    event = SessionElevated(user_id=session.user_id, session_id=session.id, amr=session.amr)
    await work.record(event)
    return Started(session, raw)
