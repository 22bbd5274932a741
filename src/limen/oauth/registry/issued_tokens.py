"""Tokens as people and operators see them: what a client holds for somebody, and ending it.

One entry stands for a grant: its refresh token and all access tokens that came of it, exchanged
ones too. They live and end together. An opaque token that a client got for itself is an entry of
its own; of JWTs that clients got for themselves nothing is kept, so there is no entry to show.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.oauth.registry.listing import Page, next_cursor, read_cursor
from limen.oauth.store.clients import find_client
from limen.oauth.store.resources import find_longest_ttl
from limen.tenants.policy_of import policy_of
from limen.tokens import principals
from limen.tokens.end_grant import end_grant
from limen.tokens.find_grant import find_grant, find_own_token, list_grants, list_own_tokens
from limen.tokens.grant import Grant, OwnToken
from limen.tokens.revoke_token import revoke_jti

Held = Grant | OwnToken
_OWN: Final = "own "


@dataclass(frozen=True, slots=True, kw_only=True)
class NotListed:
    """The access tokens that a client may hold for itself and that no list can know: JWTs.

    Attributes:
        client_id: Whose; all of them end when all of the client's do.
        issued_since: What was issued before has ended; ``None`` if that was never said.
        live_until: When the newest has ended at the latest, as lifetimes are set now.
    """

    client_id: str
    issued_since: dt.datetime | None
    live_until: dt.datetime


async def list_tokens(
    work: Work,
    envelope: Envelope,
    *,
    cursor: str = "",
    limit: int = 50,
    user_id: str = "",
    client_id: str = "",
) -> Page[Held]:
    """Return live tokens, oldest first; then, of no user, the opaque ones that clients own.

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
    found: list[Held] = []
    if not after.startswith(_OWN):
        found += await list_grants(
            work, after=after, limit=limit + 1, user_id=user_id, client_id=client_id
        )
    if not user_id and len(found) <= limit:
        own_after = after.removeprefix(_OWN) if after.startswith(_OWN) else ""
        room = limit + 1 - len(found)
        found += await list_own_tokens(work, after=own_after, limit=room, client_id=client_id)
    shown = tuple(found[:limit])
    last = _position(shown[-1]) if len(found) > limit else ""
    return Page(shown, await next_cursor(work, envelope, position=last, place=place))


def _position(held: Held) -> str:
    return held.id if isinstance(held, Grant) else f"{_OWN}{held.id}"


async def tokens_not_listed(work: Work, *, client_id: str) -> NotListed | None:
    """Return what is known of a client's own JWTs; ``None`` if it can have none now.

    Nothing is written when one is issued, so this is a bound and no count.
    """
    client = await find_client(work, client_id)
    if client is None or not client.is_active or client.is_over(now=work.now):
        return None
    if client.is_public:  # of others: what they may do now is not all that they could before
        return None
    usual = dt.timedelta(seconds=policy_of(work).access_token_seconds)
    until = work.now + max(usual, await find_longest_ttl(work))
    return NotListed(
        client_id=client_id,
        issued_since=await principals.not_before(work, principal_id=client_id),
        live_until=min(until, client.expires_at or until),
    )


async def get_token(work: Work, *, grant_id: str, user_id: str | None = None) -> Held:
    """Return one that lives.

    Args:
        work: Says the tenant.
        grant_id: Which.
        user_id: Whose it must be: another's is not found, whatever its id (N200).

    Raises:
        NotFound: ``token_not_found``.
    """
    grant = await find_grant(work, grant_id=grant_id)
    own = await find_own_token(work, jti=grant_id) if grant is None and user_id is None else None
    if own is not None:
        return own
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
    held = await get_token(work, grant_id=grant_id, user_id=user_id)
    if isinstance(held, OwnToken):
        await revoke_jti(work, jti=held.id, client_id=held.client_id, expires_at=held.expires_at)
        return
    if not await end_grant(work, grant_id=grant_id, reason="revoked"):
        raise _unknown()


def _unknown() -> NotFound:
    return NotFound("token_not_found", "There is no such token.")
