"""Forget browsers that never came back."""

from __future__ import annotations

from limen.db.work import Work
from limen.federation import store


async def sweep(work: Work) -> int:
    """Delete expired journeys of one tenant; return how many."""
    return await store.sweep_away(work)
