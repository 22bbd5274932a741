"""Cursors for lists whose use case has none: sealed, bound to tenant, list and filter (N210)."""

from __future__ import annotations

from typing import Final

from limen.audit.cursor import open_cursor, seal_cursor
from limen.crypto.envelope import Envelope
from limen.db.work import Work

MOST: Final = 200


async def open_page(work: Work, envelope: Envelope, *, cursor: str, place: tuple[str, ...]) -> str:
    """Return the id that a list goes on after; empty for its beginning.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    if not cursor:
        return ""
    key = await envelope.derive(work, "cursor")
    (after,) = open_cursor(key, cursor, place=(work.tenant_id, *place))
    return after


async def seal_page(work: Work, envelope: Envelope, *, last: str, place: tuple[str, ...]) -> str:
    """Return the cursor of what follows an id; empty for none."""
    if not last:
        return ""
    key = await envelope.derive(work, "cursor")
    return seal_cursor(key, place=(work.tenant_id, *place), position=(last,))
