"""End every session and every token of everybody, after a backup was put back (N260).

What was signed out, revoked or changed since the backup was taken would live again: nothing in
the restored database knows of it.
"""

from __future__ import annotations

from typing import Final

from limen.accounts import store
from limen.accounts.links import store as links
from limen.db.work import Work
from limen.sessions.end_everything import end_everything

BATCH: Final = 50


async def end_next(work: Work, *, after: str) -> list[str]:
    """End all of the next people, those who may not sign in too, and what was mailed to them.

    Args:
        work: In the tenant whose people they are; a batch is one transaction.
        after: The id to go on after; empty at the beginning.

    Returns:
        Whose they were; empty at the end.
    """
    people = await store.list_users(work, after=after, limit=BATCH)
    for user in people:
        await end_everything(work, user_id=user.id, reason="restored")
        for purpose in links.PURPOSES:
            await links.delete_tokens(work, user_id=user.id, purpose=purpose)
    return [user.id for user in people]
