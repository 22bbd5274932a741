"""Forget browsers that never came back; tell of secrets that end."""

from __future__ import annotations

from limen.db.work import Work
from limen.federation import store
from limen.federation.clients.warn import warn_of_expiry


async def sweep(work: Work) -> int:
    """Delete expired journeys of one tenant, warn of its expiring secrets; return how many."""
    return await store.sweep_away(work) + await warn_of_expiry(work)
