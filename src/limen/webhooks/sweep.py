"""Forget messages that nobody will ask for again."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.webhooks import store

KEPT_FOR: Final = dt.timedelta(days=30)


async def sweep(work: Work) -> int:
    """Delete one tenant's old messages; return how many."""
    return await store.sweep_messages(work, before=work.now - KEPT_FOR)
