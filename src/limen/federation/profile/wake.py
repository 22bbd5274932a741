"""Ask again for profiles that nobody could ask for before."""

from __future__ import annotations

from limen.db.work import Work
from limen.federation.profile import store


async def wake(work: Work, user_id: str) -> None:
    """Have a person's profiles asked for soon: there may be means now."""
    await store.wake(work, user_id)
