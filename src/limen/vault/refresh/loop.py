"""Refresh grants before anybody waits for them; settle what crashes left."""

from __future__ import annotations

import asyncio
from typing import Final

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.kernel.errors import Refusal
from limen.kernel.site import ALL_TENANTS, Site
from limen.vault.parts import Parts
from limen.vault.refresh.apply import postpone, wait
from limen.vault.refresh.claim import OWNER, Claimed, Upstream, may_ask, prepare
from limen.vault.refresh.outcome import Busy, Outcome, Postponed
from limen.vault.refresh.recover import SiteOf, recover
from limen.vault.refresh.redeem import find_upstream, redeem
from limen.vault.store import journal
from limen.vault.store.journal import Due

_IDLE_SECONDS: Final = 2.0


class RefreshLoop:
    """Claims due grants in batches; any number of processes may run one.

    Args:
        parts: The vault's.
        site_of: Finds the tenant's place by its id.
    """

    def __init__(self, parts: Parts, *, site_of: SiteOf) -> None:
        self._parts = parts
        self._site_of = site_of
        self._together = asyncio.Semaphore(parts.times.together)

    async def run_once(self) -> int:
        """Settle what was left, refresh one batch; return how many grants were touched."""
        settled = await recover(self._parts, site_of=self._site_of)
        times = self._parts.times

        async def claim(work: Work) -> list[Due]:
            return await journal.claim_due(
                work, batch=times.batch, owner=OWNER, lease_seconds=times.lease_seconds
            )

        due = await self._parts.works.run(ALL_TENANTS, claim)
        await asyncio.gather(*(self._one(each) for each in due))
        return settled + len(due)

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh until told to stop."""
        while not stop.is_set():
            if await self.run_once():
                continue
            try:
                await asyncio.wait_for(stop.wait(), timeout=_IDLE_SECONDS)
            except TimeoutError:
                continue

    async def _one(self, due: Due) -> Outcome:
        async with self._together:
            site = await self._site_of(due.tenant_id)
            try:
                return await self._refresh(site, due)
            except Refusal as refused:
                # The provider is switched off, or does not answer discovery: later.
                return await self._later(site, due, reason=refused.code)
            except SealBroken:
                # A damaged row is its own trouble, and no other's in the batch.
                return await self._later(site, due, reason="seal_broken")

    async def _refresh(self, site: Site, due: Due) -> Outcome:
        parts = self._parts
        upstream = await find_upstream(parts, site, provider=due.provider)
        endpoints = await upstream.provider.endpoints(parts.net, now=parts.works.clock.now())

        async def begin(work: Work) -> Claimed | Outcome:
            return await self._begin(work, due, upstream)

        begun = asyncio.get_running_loop().time()
        claimed = await parts.works.run(site, begin)
        if not isinstance(claimed, Claimed):
            return claimed
        return await redeem(parts, site, claimed, endpoints=endpoints, begun=begun)

    async def _begin(self, work: Work, due: Due, upstream: Upstream) -> Claimed | Outcome:
        grant = await journal.renew_lease(
            work,
            grant_id=due.grant_id,
            fence=due.fence,
            lease_seconds=self._parts.times.lease_seconds,
        )
        if grant is None:
            return Busy()
        if not await may_ask(work, upstream):
            return await wait(work, grant, reason="client_blocked")
        return await prepare(work, self._parts, grant, upstream=upstream)

    async def _later(self, site: Site, due: Due, *, reason: str) -> Outcome:
        async def body(work: Work) -> Outcome:
            grant = await journal.held_grant(work, grant_id=due.grant_id, fence=due.fence)
            return (
                Postponed(reason) if grant is None else await postpone(work, grant, reason=reason)
            )

        return await self._parts.works.run(site, body)
