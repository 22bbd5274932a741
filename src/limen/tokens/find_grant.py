"""Read grants, and the opaque tokens that clients got for themselves."""

from __future__ import annotations

import datetime as dt

from limen.db.work import Work
from limen.tokens import access_store, store
from limen.tokens.grant import Grant, OwnToken


async def find_grant(work: Work, *, grant_id: str) -> Grant | None:
    """Return a grant, live or ended; ``None`` when it is unknown or long gone."""
    return await store.find_grant(work, grant_id)


async def live_grants_of(work: Work, *, user_id: str) -> list[Grant]:
    """Return what a user has granted and what goes on, oldest first."""
    return await store.live_grants_of(work, user_id)


async def goes_on(
    work: Work, *, user_id: str, client_id: str, session_id: str, begun_before: dt.datetime
) -> bool:
    """Say whether anything that a user granted a client in a session, or offline, goes on.

    Args:
        work: Says the tenant.
        user_id: Whose.
        client_id: To whom.
        session_id: Where, unless it is an offline grant.
        begun_before: What began later does not count.
    """
    return await store.goes_on(
        work,
        user_id=user_id,
        client_id=client_id,
        session_id=session_id,
        begun_before=begun_before,
    )


async def find_user_of_subject(work: Work, *, client_id: str, subject: str) -> str | None:
    """Return whom a client knows as a subject, if it was ever granted anything that is kept."""
    return await store.find_user_of_subject(work, client_id=client_id, subject=subject)


async def list_grants(
    work: Work, *, after: str, limit: int, user_id: str = "", client_id: str = ""
) -> list[Grant]:
    """Return what goes on, oldest first: of everybody, of a user, of a client, or of both.

    Args:
        work: Says the tenant.
        after: The id that the list goes on after; empty for its beginning.
        limit: How many at most.
        user_id: Whose; empty for everybody's.
        client_id: To whom; empty for every client.
    """
    return await store.list_grants(
        work, user_id=user_id, client_id=client_id, after=after, most=limit
    )


async def list_own_tokens(
    work: Work, *, after: str, limit: int, client_id: str = ""
) -> list[OwnToken]:
    """Return the live opaque tokens that clients got for themselves, by id."""
    return await access_store.list_own(work, after=after, most=limit, client_id=client_id)


async def find_own_token(work: Work, *, jti: str) -> OwnToken | None:
    """Return one of them, if it lives."""
    return await access_store.find_own(work, jti)


async def count_own_tokens(work: Work, *, client_id: str) -> int:
    """Return how many of them a client holds."""
    return await access_store.count_own(work, client_id)
