"""Tell, in good time, that a grant ends unless its person connects again."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.vault.events import ReconnectDue
from limen.vault.refresh.forecast import next_reminder
from limen.vault.store import reminders

_BATCH: Final = 200


async def remind(work: Work) -> int:
    """Record reminders of one tenant that are due; return how many."""
    told = 0
    for due in await reminders.due_reminders(work, most=_BATCH):
        following = next_reminder(due.reconnect_by, now=work.now)
        if not await reminders.take_reminder(work, grant_id=due.grant_id, following=following):
            continue
        told += 1
        await work.record(
            ReconnectDue(
                grant_id=due.grant_id,
                provider=due.provider,
                reconnect_by=due.reconnect_by.isoformat(),
                days_left=max(0, (due.reconnect_by - work.now).days),
            )
        )
    return told
