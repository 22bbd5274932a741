"""Sessions that end without a connection, before anything is held; and old ones."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.kernel.tokens import token_hash
from limen.vault.connect_link import take_link
from limen.vault.sessions import store
from limen.vault.sessions.confirm import way_back
from limen.vault.sessions.events import ConnectSessionRefused
from limen.vault.sessions.model import ConnectSession

_KEPT: Final = dt.timedelta(days=1)
"""For whoever polls late."""


async def decline_link(work: Work, *, provider: str, raw_link: Secret[str]) -> str:
    """Consume a link whose person says no; return where the browser goes.

    Raises:
        InvalidInput: ``link_invalid``.
    """
    wanted = await take_link(work, provider=provider, raw_link=raw_link)
    session = await store.refuse_unopened(work, wanted.session_id, reason="declined")
    if session is None:
        return wanted.return_to
    await _tell(work, session, reason="declined")
    return way_back(session, error="declined")


async def fail_journey(work: Work, *, raw_state: Secret[str], reason: str) -> str | None:
    """End the session of a journey that the provider, or we, refused.

    Returns:
        Where its app wants the browser; ``None`` if there is no such session of the actor's, or
        its person is better served by a page of ours.
    """
    session = await store.refuse_returned(work, token_hash(raw_state), reason=reason)
    if session is None:
        return None
    await _tell(work, session, reason=reason)
    return way_back(session, error=reason) if session.challenge else None


async def sweep(work: Work) -> int:
    """Forget sessions that were over a day ago; what is held is ended by the outbox first."""
    return await store.sweep_sessions(work, before=work.now - _KEPT)


async def _tell(work: Work, session: ConnectSession, *, reason: str) -> None:
    await work.record(
        ConnectSessionRefused(
            connect_session_id=session.id, provider=session.provider, reason=reason
        )
    )
