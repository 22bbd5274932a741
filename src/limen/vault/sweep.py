"""Forget links that nobody followed; remind of connections that end soon."""

from __future__ import annotations

from limen.db.work import Work
from limen.vault.refresh.remind import remind
from limen.vault.store import links


async def sweep(work: Work) -> int:
    """Delete one tenant's expired connect links, and remind; return how many of both."""
    return await links.sweep_links(work) + await remind(work)
