"""Tokens as people and operators see them: what a client holds for somebody, and ending it.

One entry stands for a grant: its refresh token and all access tokens that came of it, exchanged
ones too. They live and end together.
"""

from __future__ import annotations

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.oauth.registry.listing import Page, next_cursor, read_cursor
from limen.tokens.end_grant import end_grant
from limen.tokens.find_grant import find_grant, list_grants
from limen.tokens.grant import Grant


async def list_tokens(
    work: Work,
    envelope: Envelope,
    *,
    cursor: str = "",
    limit: int = 50,
    user_id: str = "",
    client_id: str = "",
) -> Page[Grant]:
    """Return live tokens, oldest first.

    Args:
        work: Says the tenant.
        envelope: Seals the cursor, to this list and this filter.
        cursor: Where the list goes on.
        limit: How many at most.
        user_id: Whose; empty for everybody's.
        client_id: To whom; empty for every client.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    place = f"tokens {user_id} {client_id}"
    after = await read_cursor(work, envelope, cursor=cursor, place=place)
    found = await list_grants(
        work, after=after, limit=limit + 1, user_id=user_id, client_id=client_id
    )
    shown = tuple(found[:limit])
    last = shown[-1].id if len(found) > limit else ""
    return Page(shown, await next_cursor(work, envelope, position=last, place=place))


async def get_token(work: Work, *, grant_id: str, user_id: str | None = None) -> Grant:
    """Return one that lives.

    Args:
        work: Says the tenant.
        grant_id: Which.
        user_id: Whose it must be: another's is not found, whatever its id (N200).

    Raises:
        NotFound: ``token_not_found``.
    """
    grant = await find_grant(work, grant_id=grant_id)
    if grant is None or grant.ended_at is not None or grant.expires_at <= work.now:
        raise _unknown()
    if user_id is not None and grant.user_id != user_id:
        raise _unknown()
    return grant


async def revoke_tokens(work: Work, *, grant_id: str, user_id: str | None = None) -> None:
    """End one, and with it every token that came of it.

    Raises:
        NotFound: ``token_not_found``; as ``get_token``.
    """
    await get_token(work, grant_id=grant_id, user_id=user_id)
    if not await end_grant(work, grant_id=grant_id, reason="revoked"):
        raise _unknown()


def _unknown() -> NotFound:
    return NotFound("token_not_found", "There is no such token.")
