"""Tell, in good time, that a grant ends unless its person connects again."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.vault.events import ReconnectDue
from limen.vault.refresh.forecast import next_reminder
from limen.vault.store import reminders
from limen.vault.store.reminders import EndsSoon

_BATCH: Final = 200


async def list_due(work: Work) -> list[EndsSoon]:
    """Return of which grants of one tenant their people are to be reminded now."""
    return await reminders.due_reminders(work, most=_BATCH)


async def remind(work: Work, *, due: EndsSoon) -> int:
    """Record one reminder; return how many: 0 if somebody else has."""
    following = next_reminder(due.reconnect_by, now=work.now)
    if not await reminders.take_reminder(work, grant_id=due.grant_id, following=following):
        return 0
    await work.record(
        ReconnectDue(
            grant_id=due.grant_id,
            provider=due.provider,
            reconnect_by=due.reconnect_by.isoformat(),
            days_left=max(0, (due.reconnect_by - work.now).days),
        )
    )
    return 1
