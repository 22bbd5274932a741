"""Know that somebody waits for a lock, without waiting a while and hoping."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def waits_or_is_over(task: asyncio.Task[Any], url: str) -> bool:
    """Say whether a task is done, or its statement waits for a lock of another's."""
    if task.done() or not url.startswith("postgresql"):
        return True  # SQLite has one writer: the other waits for its turn
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return bool(await connection.fetchval(_WAITING))
    finally:
        await connection.close()
