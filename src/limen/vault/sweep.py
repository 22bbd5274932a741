"""Forget links that nobody followed."""

from __future__ import annotations

from limen.db.work import Work
from limen.vault.store import connections


async def sweep(work: Work) -> int:
    """Delete expired connect links of one tenant; return how many."""
    return await connections.sweep_links(work)
