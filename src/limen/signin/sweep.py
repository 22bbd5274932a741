"""Forget what guessing cost once it is paid, and who took too long on the way in."""

from __future__ import annotations

from limen.db.work import Work
from limen.signin import store
from limen.signin.steps.store import sweep_pending


async def sweep(work: Work) -> int:
    """Delete the tenant's budgets that are full again, and sign-ins never finished."""
    return await store.sweep_throttles(work) + await sweep_pending(work)
