"""Settle what crashes left: answers in the journal, and intents without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.kernel.errors import Refusal
from limen.kernel.site import ALL_TENANTS, Site
from limen.observe import logger
from limen.observe.metrics import count_background_failure
from limen.vault.parts import Parts
from limen.vault.refresh.claim import OWNER, Upstream, settle_leftover
from limen.vault.refresh.redeem import find_upstream
from limen.vault.store import grants, journal

_log = logger("limen.vault")
_BATCH: Final = 200

SiteOf = Callable[[str], Awaitable[Site]]
"""Finds the tenant's place by its id."""


async def recover(parts: Parts, *, site_of: SiteOf) -> int:
    """Finish or give up refreshes whose refresher is gone; return how many grants were settled.

    Run at start and with every round of the loop: a refresher of another node may die at any
    time, and its lease must run out first. A grant whose provider is switched off waits.
    """

    async def read(work: Work) -> list[tuple[str, str]]:
        return await journal.abandoned(work, batch=_BATCH)

    settled = 0
    for tenant_id, grant_id in await parts.works.run(ALL_TENANTS, read):
        try:
            settled += await _settle(parts, await site_of(tenant_id), grant_id)
        except (Refusal, SealBroken):
            continue  # one that can't be settled keeps nobody else's waiting
        except Exception as fault:  # noqa: BLE001 -- as above, whatever it is
            _log.error("a refresh was not settled", grant_id=grant_id, kind=type(fault).__name__)
            count_background_failure("vault refresh")
    return settled


async def _settle(parts: Parts, site: Site, grant_id: str) -> int:
    async def provider_of(work: Work) -> str:
        grant = await grants.find_grant(work, grant_id)
        return "" if grant is None else grant.provider

    provider = await parts.works.run(site, provider_of)
    upstream = await find_upstream(parts, site, provider=provider)

    async def body(work: Work) -> int:
        return await _settle_one(work, parts, grant_id, upstream=upstream)

    return await parts.works.run(site, body)


async def _settle_one(work: Work, parts: Parts, grant_id: str, *, upstream: Upstream) -> int:
    grant = await journal.seize_grant(
        work, grant_id=grant_id, owner=OWNER, lease_seconds=parts.times.lease_seconds
    )
    if grant is None:
        return 0
    for intent in await journal.intents_of(work, grant.id):
        outcome = await settle_leftover(work, parts, grant, intent=intent, upstream=upstream)
        if outcome is not None:
            return 1
    await journal.give_back(work, grant)
    return 1
