"""Write down when service accounts were last used; a loop calls it."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.last_uses import Uses
from limen.oauth.service_accounts import store


async def note_account_uses(work: Work, *, uses: Uses) -> None:
    """Store the last uses of a tenant's service accounts; never an earlier over a later one."""
    await store.note_uses(work, uses)
