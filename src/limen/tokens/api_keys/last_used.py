"""Write down when keys were last used; a loop calls it."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.last_uses import Uses
from limen.tokens.api_keys import store


async def note_key_uses(work: Work, *, uses: Uses) -> None:
    """Store the last uses of a tenant's keys; never an earlier one over a later."""
    await store.note_uses(work, uses)
