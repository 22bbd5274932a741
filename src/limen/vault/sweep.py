"""Forget what is long past, remind of what ends soon, give up what nobody confirms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from limen.db.work import Work
from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.observe import logger
from limen.observe.metrics import count_background_failure
from limen.vault.asking.follow import sweep as sweep_requests
from limen.vault.parts import Parts
from limen.vault.quota.show import sweep as sweep_quota
from limen.vault.refresh.remind import list_due, remind
from limen.vault.revoke_upstream import give_up, list_overdue
from limen.vault.sessions.end import sweep as sweep_sessions
from limen.vault.store import links

T = TypeVar("T")
Sweep = Callable[[Work], Awaitable[int]]
_log = logger("limen.vault")
_SWEEPS: Final[Mapping[str, Sweep]] = {
    "links": links.sweep_links,
    "sessions": sweep_sessions,
    "requests": sweep_requests,
    "quotas": sweep_quota,
}


def sweeper(parts: Parts) -> Callable[[Site], Awaitable[int]]:
    """Return the sweep of one tenant: links, reminders, and revocations that nobody confirms.

    Each reminder and each revocation is a transaction of its own: what nobody foresaw of one is
    logged and counted, and keeps none of the others.
    """

    async def sweep(site: Site) -> int:
        swept = 0
        for name, each in _SWEEPS.items():
            swept += await _alone(parts, site, each, what=name) or 0
        for due in await _alone(parts, site, list_due, what="reminders") or ():
            swept += await _alone(parts, site, partial(remind, due=due), what="reminders") or 0
        for overdue in await _alone(parts, site, list_overdue, what="revocations") or ():
            end = partial(give_up, parts=parts, overdue=overdue)
            swept += await _alone(parts, site, end, what="revocations") or 0
        return swept

    return sweep


async def _alone(
    parts: Parts, site: Site, body: Callable[[Work], Awaitable[T]], *, what: str
) -> T | None:
    try:
        return await parts.works.run(site, body)
    except Unavailable:
        raise
    except Exception as fault:  # noqa: BLE001 -- this one's trouble is no other's
        kind = type(fault).__name__
        _log.error("not swept", what=what, tenant_id=site.tenant_id, kind=kind)
        count_background_failure("sweep connections")
        return None
