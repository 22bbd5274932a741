"""A session of ours for whom the host application has signed in."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.ids import new_id
from limen.sessions import store
from limen.sessions.events import SessionStarted
from limen.sessions.revoke import revoke
from limen.sessions.session import Session
from limen.tenants import policy_of
from limen.tokens.principals import not_before


async def host_session(
    work: Work, *, envelope: Envelope, user_id: str, key: str, amr: tuple[str, ...]
) -> Session:
    """Return the session that stands for one of the host's, begun at first sight.

    Where ours is over and the host's goes on, another is begun: of the same sign-in, and no
    later. Else to sign out would be enough to have signed in a moment ago (N269). Only once the
    host has said that its own ended does one begin anew.

    Args:
        work: The transaction of the request.
        envelope: Derives what the key is stored under, so that no cookie can name it.
        user_id: Whose.
        key: What names the session in the host.
        amr: How the host authenticated them.
    """
    digest = await _digest(work, envelope, user_id=user_id, key=key)
    found = await store.find_by_hash(work, digest)
    if found is not None and found.is_live(work.now):
        return found
    proven_at = work.now
    if found is not None:
        await store.forget_hash(work, found.id)
        proven_at = await _proven_at(work, found)
    return await _begin(work, user_id=user_id, digest=digest, amr=amr, proven_at=proven_at)


async def end_host_session(work: Work, *, envelope: Envelope, user_id: str, key: str) -> None:
    """End what stands for a session the host ended, and the tokens bound to it."""
    digest = await _digest(work, envelope, user_id=user_id, key=key)
    found = await store.find_by_hash(work, digest)
    if found is not None:
        await revoke(work, session_id=found.id, reason="host", must_exist=False)
        await store.forget_hash(work, found.id)


async def _proven_at(work: Work, ended: Session) -> dt.datetime:
    """Return when who had a session signed in, as far as that counts still.

    What was begun before somebody was signed out everywhere gives no token. The host has them in
    for all that, and its word is that they may be: as of that moment, and no later one.
    """
    since = await not_before(work, principal_id=ended.user_id)
    return ended.authenticated_at if since is None else max(since, ended.authenticated_at)


async def _digest(work: Work, envelope: Envelope, *, user_id: str, key: str) -> bytes:
    secret = await envelope.derive(work, "host-session")
    message = f"{user_id}\x00{key}".encode()
    return hmac.new(secret.reveal(), message, hashlib.sha256).digest()


async def _begin(
    work: Work, *, user_id: str, digest: bytes, amr: tuple[str, ...], proven_at: dt.datetime
) -> Session:
    policy = policy_of(work)
    expires_at = work.now + dt.timedelta(seconds=policy.session_absolute_seconds)
    session = Session(
        id=new_id(work.now),
        user_id=user_id,
        kind="host",
        amr=amr,
        user_agent="",
        started_at=work.now,
        authenticated_at=proven_at,
        last_seen_at=work.now,
        idle_until=expires_at,
        expires_at=expires_at,
        ended_at=None,
    )
    if not await store.add_session(work, session, token_hash=digest):
        # Another request of the same host session was first: there is one session for both.
        found = await store.find_by_hash(work, digest)
        assert found is not None
        return found
    event = SessionStarted(user_id=user_id, session_id=session.id, kind="host", amr=amr)
    await work.record(event)
    return session
