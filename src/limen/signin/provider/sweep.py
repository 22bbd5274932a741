"""Forget accounts that were proven and never used."""

from __future__ import annotations

from limen.db.work import Work
from limen.signin.provider import store


async def sweep(work: Work) -> int:
    """Delete what took too long, of one tenant; return how many."""
    return await store.sweep(work)
