"""Take back what was approved and not fetched yet: who polls is told no."""

from __future__ import annotations

from typing import Any

from limen.db.work import Work
from limen.oauth.pending import store
from limen.tokens.end_grant import end_grant
from limen.tokens.find_grant import live_grants_of


async def take_back(work: Work, *, user_id: str = "", client_id: str = "") -> None:
    """Take back approvals of a person, to a client, or of the one to the other (N048).

    An approval is a grant that its client has not come for: whatever ends those ends these.

    Args:
        work: The transaction that ends the grants.
        user_id: Whose; empty for everybody's.
        client_id: To whom; empty for every client.

    Raises:
        ValueError: Neither is named.
    """
    if not user_id and not client_id:
        raise ValueError("everybody's approvals are never meant")
    await store.take_back_approved(work, user_id=user_id, client_id=client_id)


async def undo_approvals(work: Work, *, session_id: str, reason: str) -> None:
    """Take back all that a session approved, and what clients came for already.

    A session that should never have begun approved nothing: offline access does not outlive it.

    Args:
        work: The transaction that ends the session.
        session_id: Which.
        reason: Why the grants end.
    """
    for fetched in await store.take_back_of_session(work, session_id):
        for grant in await live_grants_of(work, user_id=fetched.user_id):
            begun = grant.started_at >= fetched.decided_at
            if grant.client_id == fetched.client_id and begun:
                await end_grant(work, grant_id=grant.id, reason=reason)


async def take_back_approvals(work: Work, event: Any) -> None:
    """React to a consent withdrawn, a client disabled, a password changed (N048, N178).

    Args:
        work: The transaction of the event.
        event: Any with a ``user_id``, a ``client_id``, or both.
    """
    await take_back(
        work,
        user_id=getattr(event, "user_id", ""),
        client_id=getattr(event, "client_id", ""),
    )
