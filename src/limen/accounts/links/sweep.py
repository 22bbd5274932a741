"""Forget links and codes that expired."""

from __future__ import annotations

from limen.accounts.links import store as links
from limen.db.work import Work


async def sweep(work: Work) -> int:
    """Delete a tenant's expired links and codes; return how many."""
    return await links.sweep_tokens(work)
