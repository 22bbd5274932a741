"""Initial access tokens: leave to register clients, handed out by operators (RFC 7591 1.2)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.oauth.events import InitialTokenCreated, InitialTokenRevoked
from limen.oauth.model import InitialToken
from limen.oauth.registry.listing import MOST, Page, next_cursor, read_cursor
from limen.oauth.store import initial_tokens as store

KIND: Final = "lmia"
DEFAULT_TTL: Final = dt.timedelta(days=7)
LONGEST_TTL: Final = dt.timedelta(days=366)
MOST_USES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Created:
    """A new initial access token.

    Args:
        raw_token: To be shown once.
    """

    token: InitialToken
    raw_token: Secret[str]


async def create_initial_token(
    work: Work, *, name: str = "", uses: int = 1, ttl: dt.timedelta = DEFAULT_TTL
) -> Created:
    """Make a token that registers so many clients until its time is over, and nothing else.

    Raises:
        InvalidInput: ``uses_invalid`` or ``ttl_invalid``.
    """
    if not 1 <= uses <= MOST_USES:
        raise InvalidInput("uses_invalid", f"Between 1 and {MOST_USES} clients.", field="uses")
    if not dt.timedelta() < ttl <= LONGEST_TTL:
        raise InvalidInput("ttl_invalid", "Above zero, a year at most.", field="ttl")
    raw_token = mint(KIND, work.tenant_id)
    token = InitialToken(
        id=new_id(work.now),
        name=name[:100],
        uses_left=uses,
        created_at=work.now,
        expires_at=work.now + ttl,
    )
    await store.add_token(work, token, token_hash=token_hash(raw_token))
    await work.record(InitialTokenCreated(token_id=token.id, uses=uses))
    return Created(token, raw_token)


async def list_initial_tokens(
    work: Work, envelope: Envelope, *, cursor: str = "", limit: int = 50
) -> Page[InitialToken]:
    """Return the tokens that are not swept yet, never their values.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    after = await read_cursor(work, envelope, cursor=cursor, place="initial tokens")
    most = max(1, min(limit, MOST))
    found = await store.list_tokens(work, after=after, most=most + 1)
    last = found[most - 1].id if len(found) > most else ""
    cursor = await next_cursor(work, envelope, position=last, place="initial tokens")
    return Page(tuple(found[:most]), cursor)


async def revoke_initial_token(work: Work, *, token_id: str) -> None:
    """Let a token register nothing any more; clients registered with it stay.

    Raises:
        NotFound: ``initial_token_not_found``.
    """
    if not await store.delete_token(work, token_id):
        raise NotFound("initial_token_not_found", "There is no such initial access token.")
    await work.record(InitialTokenRevoked(token_id=token_id))
