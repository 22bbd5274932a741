"""One turn of the loop: leases what is due, a batch at a time, and has it refreshed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.federation.provider import Endpoints
from limen.kernel.errors import Refusal, Unavailable
from limen.kernel.site import ALL_TENANTS, Site
from limen.observe import logger
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.refresh.apply import Journalled, postpone, wait
from limen.vault.refresh.claim import (
    OWNER,
    Claimed,
    Upstream,
    may_ask,
    prepare,
    prepare_together,
)
from limen.vault.refresh.outcome import Busy, Outcome, Postponed
from limen.vault.refresh.recover import SiteOf
from limen.vault.refresh.redeem import ask, find_upstream, redeem
from limen.vault.refresh.renew_credential import renew_held
from limen.vault.refresh.together import Answers
from limen.vault.store import journal
from limen.vault.store.journal import Due

_log = logger("limen.vault")
_TURN_SECONDS: Final = 5.0
"""For so long a turn leases more and more, as long as more are due than it can hold."""


class Turn:
    """Refreshes under way, so many at most; what one of them waits for keeps no other.

    Args:
        parts: The vault's.
        site_of: Finds the tenant's place by its id.
    """

    def __init__(self, parts: Parts, *, site_of: SiteOf) -> None:
        self._parts = parts
        self._site_of = site_of
        self._under_way = 0
        self._room = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: dict[str, Answers] = {}
        self._failed: BaseException | None = None

    async def run(self) -> int:
        """Refresh what is due; return how many grants were touched.

        Raises:
            Unavailable: The database is gone. As with whatever else one of them raised, the
                others have been finished first.
        """
        touched = 0
        try:
            try:
                touched = await self._lease_while_due()
            except Exception as error:  # noqa: BLE001 -- raised when what is under way is done
                self._failed = self._failed or error
            await self.finish()
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise
        return touched

    def begin(self, due: Sequence[Due], *, begun: float) -> None:
        """Begin to refresh what has been leased.

        Args:
            due: Under our lease.
            begun: The event loop's time just before that was taken.
        """
        groups: dict[tuple[str, str], list[Grant]] = {}
        for each in due:
            if each.grant.kind != "consent":
                self._start(self._credential(each.tenant_id, each.grant), grants=1)
                continue
            groups.setdefault((each.tenant_id, each.grant.provider), []).append(each.grant)
        self._under_way += len(due)
        for (tenant_id, provider), grants in groups.items():
            group = self._group(tenant_id, grants, provider=provider, begun=begun)
            self._start(group, grants=len(grants))

    async def finish(self) -> None:
        """Wait for all that is under way, then raise what any of it raised."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._failed is not None:
            raise self._failed

    async def _lease_while_due(self) -> int:
        times, clock = self._parts.times, asyncio.get_running_loop().time
        ends_at, touched = clock() + _TURN_SECONDS, 0
        while self._failed is None:
            most = min(times.batch, times.together - self._under_way)
            begun = clock()
            due = await self._lease(most)
            touched += len(due)
            self.begin(due, begun=begun)
            if len(due) < most or clock() > ends_at:
                break
            await self._wait_for_room()
        return touched

    async def _lease(self, most: int) -> list[Due]:
        async def claim(work: Work) -> list[Due]:
            return await journal.claim_due(
                work, batch=most, owner=OWNER, lease_seconds=self._parts.times.lease_seconds
            )

        return await self._parts.works.run(ALL_TENANTS, claim)

    def _start(self, what: Coroutine[Any, Any, object], *, grants: int) -> None:
        task = asyncio.create_task(self._watched(what, grants=grants))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, what: Coroutine[Any, Any, object], *, grants: int) -> None:
        try:
            await what
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 -- raised by ``finish``, when all are done
            self._failed = self._failed or error
        finally:
            self._leave(grants)

    def _leave(self, grants: int) -> None:
        self._under_way -= grants
        times = self._parts.times
        if self._failed or times.together - self._under_way >= min(times.batch, times.together) / 2:
            self._room.set()

    async def _wait_for_room(self) -> None:
        self._room.clear()
        self._leave(0)
        await self._room.wait()

    async def _group(
        self, tenant_id: str, grants: Sequence[Grant], *, provider: str, begun: float
    ) -> None:
        site = await self._site_of(tenant_id)
        try:
            await self._begin_group(site, grants, provider=provider, begun=begun)
        except Unavailable:
            raise
        except Exception as fault:  # noqa: BLE001 -- this provider's trouble is no other's
            for grant in grants:
                await self._put_aside(site, grant, fault)

    async def _begin_group(
        self, site: Site, grants: Sequence[Grant], *, provider: str, begun: float
    ) -> None:
        """Write the intents of one provider's grants together, then have each refreshed."""
        parts = self._parts
        try:
            upstream = await find_upstream(parts, site, provider=provider)
            endpoints = await upstream.provider.endpoints(parts.net, now=parts.works.clock.now())
        except Refusal as refused:
            # The provider is switched off, or does not answer discovery: later.
            for grant in grants:
                await self._later(site, grant, reason=refused.code)
            return

        async def begin(work: Work) -> tuple[list[Claimed], list[Grant]]:
            return await prepare_together(work, parts, grants, upstream=upstream)

        try:
            claimed, apart = await parts.works.run(site, begin)
        except Unavailable:
            raise
        except Exception as fault:  # noqa: BLE001 -- one of them is at fault: each by itself then
            _log.warning("refreshes are begun one by one", kind=type(fault).__name__)
            claimed, apart = [], list(grants)
        self._under_way += len(claimed) + len(apart)
        for each in claimed:
            self._start(self._one(site, each, endpoints, begun=begun), grants=1)
        for grant in apart:
            apart_one = self._apart(site, grant, upstream=upstream, endpoints=endpoints)
            self._start(apart_one, grants=1)

    async def _credential(self, tenant_id: str, grant: Grant) -> None:
        site = await self._site_of(tenant_id)
        try:
            await renew_held(self._parts, site, grant=grant)
        except SealBroken:
            await self._later(site, grant, reason="seal_broken")
        except Exception as fault:  # noqa: BLE001 -- this grant's trouble is no other's
            await self._put_aside(site, grant, fault)

    async def _one(
        self, site: Site, claimed: Claimed, endpoints: Endpoints, *, begun: float
    ) -> None:
        grant = claimed.held.grant
        try:
            answered = await ask(self._parts, site, claimed, endpoints=endpoints, begun=begun)
            if isinstance(answered, Journalled):
                await self._answers_of(site).settle(claimed, journalled=answered)
        except Refusal as refused:
            await self._later(site, grant, reason=refused.code)
        except SealBroken:
            # A damaged row is its own trouble, and no other's in the batch.
            await self._later(site, grant, reason="seal_broken")
        except Exception as fault:  # noqa: BLE001 -- as above
            await self._put_aside(site, grant, fault)

    async def _apart(
        self, site: Site, grant: Grant, *, upstream: Upstream, endpoints: Endpoints
    ) -> None:
        """Refresh one that wants a closer look: something of an earlier refresh is left, say."""

        async def begin(work: Work) -> Claimed | Outcome:
            return await self._look_closer(work, grant, upstream=upstream)

        begun = asyncio.get_running_loop().time()
        try:
            claimed = await self._parts.works.run(site, begin)
            if isinstance(claimed, Claimed):
                await redeem(self._parts, site, claimed, endpoints=endpoints, begun=begun)
        except Refusal as refused:
            await self._later(site, grant, reason=refused.code)
        except SealBroken:
            await self._later(site, grant, reason="seal_broken")
        except Exception as fault:  # noqa: BLE001 -- this grant's trouble is no other's
            await self._put_aside(site, grant, fault)

    async def _look_closer(
        self, work: Work, leased: Grant, *, upstream: Upstream
    ) -> Claimed | Outcome:
        seconds = self._parts.times.lease_seconds
        grant = await journal.renew_lease(
            work, grant_id=leased.id, fence=leased.fence, lease_seconds=seconds
        )
        if grant is None:
            return Busy()
        if not await may_ask(work, upstream):
            return await wait(work, grant, reason="client_blocked")
        return await prepare(work, self._parts, grant, upstream=upstream)

    async def _put_aside(self, site: Site, leased: Grant, fault: Exception) -> None:
        """Try again later what nobody foresaw: a turn that ends with it ends for every tenant."""
        _log.error("a refresh failed", grant_id=leased.id, kind=type(fault).__name__)
        await self._later(site, leased, reason="fault")

    async def _later(self, site: Site, leased: Grant, *, reason: str) -> Outcome:
        async def body(work: Work) -> Outcome:
            grant = await journal.held_grant(work, grant_id=leased.id, fence=leased.fence)
            return (
                Postponed(reason) if grant is None else await postpone(work, grant, reason=reason)
            )

        return await self._parts.works.run(site, body)

    def _answers_of(self, site: Site) -> Answers:
        if site.tenant_id not in self._answers:
            self._answers[site.tenant_id] = Answers(self._parts, site)
        return self._answers[site.tenant_id]
