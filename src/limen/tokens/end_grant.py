"""End grants: every token of them, access and refresh, is inactive from this transaction on."""

from __future__ import annotations

from limen.db.work import Work
from limen.tokens import store
from limen.tokens.events import GrantEnded, GrantsEnded


async def end_grant(work: Work, *, grant_id: str, reason: str) -> bool:
    """End one grant; false when it had ended already.

    Args:
        work: The transaction of whatever is the cause.
        grant_id: Which.
        reason: A word for the audit log, ``revoked`` say.
    """
    ended = await store.end_grant(work, grant_id, reason=reason)
    if ended is None:
        return False
    client_id, user_id = ended
    await work.record(
        GrantEnded(grant_id=grant_id, client_id=client_id, user_id=user_id, reason=reason)
    )
    return True


async def end_grants_of_user(
    work: Work,
    *,
    user_id: str,
    reason: str,
    keep_session: str | None = None,
    offline: bool = True,
) -> int:
    """End what a user granted to anyone; return how many grants that were.

    Args:
        work: The transaction.
        user_id: Whose.
        reason: For the audit log.
        keep_session: The session whose grants go on: the one a password was changed in.
        offline: Whether offline grants end too.
    """
    count = await store.end_grants(
        work,
        "user",
        reason=reason,
        of_user_id=user_id,
        keep_session=keep_session or "",
        offline=int(offline),
    )
    await _record(work, GrantsEnded(of="user", of_id=user_id, count=count, reason=reason))
    return count


async def end_grants_of_session(work: Work, *, session_id: str, reason: str) -> int:
    """End the grants bound to a session; offline ones go on. Return how many."""
    count = await store.end_grants(work, "session", reason=reason, of_session_id=session_id)
    await _record(work, GrantsEnded(of="session", of_id=session_id, count=count, reason=reason))
    return count


async def end_grants_of_client(work: Work, *, client_id: str, reason: str) -> int:
    """End what anyone granted to a client; return how many grants that were."""
    count = await store.end_grants(work, "client", reason=reason, of_client_id=client_id)
    await _record(work, GrantsEnded(of="client", of_id=client_id, count=count, reason=reason))
    return count


async def end_grants_of_consent(work: Work, *, user_id: str, client_id: str, reason: str) -> int:
    """End what one user granted to one client; return how many grants that were."""
    count = await store.end_grants(
        work, "consent", reason=reason, of_user_id=user_id, of_client_id=client_id
    )
    of_id = f"{user_id} {client_id}"
    await _record(work, GrantsEnded(of="consent", of_id=of_id, count=count, reason=reason))
    return count


async def _record(work: Work, event: GrantsEnded) -> None:
    if event.count:
        await work.record(event)
