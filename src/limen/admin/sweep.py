"""Throw away what was kept for requests that did not come again."""

from __future__ import annotations

from limen.admin import store
from limen.db.work import Work


async def sweep(work: Work) -> int:
    """Delete one tenant's expired answers; return how many."""
    return await store.drop_expired(work)
