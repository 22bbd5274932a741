"""Forget sessions long over."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.sessions import store

KEEP: Final = dt.timedelta(days=30)


async def sweep(work: Work) -> int:
    """Delete a tenant's sessions whose absolute end is a month ago; return how many."""
    return await store.sweep_sessions(work, before=work.now - KEEP)
