"""Keys page by page, behind cursors that can't be forged (N210)."""

from __future__ import annotations

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.oauth.api_keys.shown import ApiKeyPage, ApiKeyView
from limen.oauth.registry.listing import next_cursor, read_cursor
from limen.tokens.api_keys.find import list_keys


async def key_page(
    work: Work, envelope: Envelope, *, cursor: str, limit: int, owner_id: str = ""
) -> ApiKeyPage:
    """Return keys that have not ended.

    Args:
        work: Says the tenant.
        envelope: Seals the cursor, to this list and this owner.
        cursor: Where the list goes on.
        limit: How many at most.
        owner_id: Whose; empty for everybody's.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    place = f"api_keys {owner_id}"
    after = await read_cursor(work, envelope, cursor=cursor, place=place)
    found = await list_keys(work, after=after, limit=limit + 1, principal_id=owner_id)
    shown = found[:limit]
    last = shown[-1].id if len(found) > limit else ""
    views = [ApiKeyView.of(key) for key in shown]
    return ApiKeyPage(
        api_keys=views, next_cursor=await next_cursor(work, envelope, position=last, place=place)
    )
