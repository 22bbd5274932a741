"""Forget what is long past, remind of what ends soon, give up what nobody confirms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from limen.db.work import Work
from limen.vault.asking.follow import sweep as sweep_requests
from limen.vault.parts import Parts
from limen.vault.quota.show import sweep as sweep_quota
from limen.vault.refresh.remind import remind
from limen.vault.revoke_upstream import give_up_overdue
from limen.vault.sessions.end import sweep as sweep_sessions
from limen.vault.store import links


def sweeper(parts: Parts) -> Callable[[Work], Awaitable[int]]:
    """Return the sweep of one tenant: links, reminders, and revocations that nobody confirms."""

    async def sweep(work: Work) -> int:
        swept = await links.sweep_links(work) + await remind(work)
        swept += await sweep_sessions(work) + await sweep_requests(work)
        swept += await sweep_quota(work)
        return swept + await give_up_overdue(work, parts)

    return sweep
