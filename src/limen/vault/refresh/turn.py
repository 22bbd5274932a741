"""One turn of the loop: leases what is due, a batch at a time, and has it refreshed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from limen.crypto.sealed_text import SealBroken
from limen.db.fair.leases import Key
from limen.db.work import Work
from limen.federation.provider import Endpoints
from limen.kernel.errors import Refusal, Unavailable
from limen.kernel.site import Site
from limen.observe import logger
from limen.observe.metrics import count_background_failure
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.refresh.apply import Journalled, postpone, wait
from limen.vault.refresh.claim import (
    Claimed,
    Upstream,
    may_ask,
    prepare,
    prepare_together,
)
from limen.vault.refresh.lease import Leasing
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
    """Refreshes under way; what one of them waits for keeps no other.

    Args:
        parts: The vault's.
        site_of: Finds the tenant's place by its id.
        leasing: Says who is next; turns that follow each other share it.
    """

    def __init__(self, parts: Parts, *, site_of: SiteOf, leasing: Leasing) -> None:
        self._parts = parts
        self._site_of = site_of
        self._leasing = leasing
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: dict[str, Answers] = {}
        self._failed: BaseException | None = None

    async def lease(self) -> int:
        """Begin what is due, more and more as there is room; return how many grants.

        What it raises itself is raised by ``finish``, as what any of them raises.
        """
        touched = 0
        try:
            touched = await self._lease_while_due()
        except Exception as error:  # noqa: BLE001 -- raised when what is under way is done
            self._failed = self._failed or error
        return touched

    def begin(self, due: Sequence[Due], *, begun: float) -> None:
        """Begin to refresh what has been leased.

        Args:
            due: Under our lease, and counted.
            begun: The event loop's time just before that was taken.
        """
        groups: dict[tuple[str, str], list[Grant]] = {}
        for each in due:
            if each.grant.kind != "consent":
                self._start(self._credential(each.tenant_id, each.grant), key=each.key)
                continue
            groups.setdefault((each.tenant_id, each.grant.provider), []).append(each.grant)
        for (tenant_id, provider), grants in groups.items():
            group = self._group(tenant_id, grants, provider=provider, begun=begun)
            self._start(group, key=Key(tenant_id, provider, ""), grants=len(grants))

    async def finish(self) -> None:
        """Wait for all that is under way, then raise what any of it raised.

        Raises:
            Unavailable: The database is gone. As with whatever else one of them raised, the
                others have been finished first.
        """
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise
        if self._failed is not None:
            raise self._failed

    async def _lease_while_due(self) -> int:
        clock = asyncio.get_running_loop().time
        ends_at, touched = clock() + _TURN_SECONDS, 0
        while self._failed is None:
            begun = clock()
            due = await self._leasing.next()
            touched += len(due)
            self.begin(due, begun=begun)
            if not self._leasing.more or clock() > ends_at:
                break
            await self._leasing.wait()
        return touched

    def _start(self, what: Coroutine[Any, Any, object], *, key: Key, grants: int = 1) -> None:
        task = asyncio.create_task(self._watched(what, key, grants=grants))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, what: Coroutine[Any, Any, object], key: Key, *, grants: int) -> None:
        try:
            await what
        except asyncio.CancelledError:
            raise
        except Unavailable as gone:
            self._end_with(gone)
        except Exception as fault:  # noqa: BLE001 -- the lease ends by itself; others go on
            _tell(fault, tenant_id=key.tenant_id)
        except BaseException as ended:  # noqa: BLE001 -- raised by ``finish``, when all are done
            self._end_with(ended)
        finally:
            self._leasing.leave(key, count=grants)

    def _end_with(self, error: BaseException) -> None:
        self._failed = self._failed or error
        self._leasing.wake()

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
        # Until the group is left, in this same step, they are counted twice.
        key = Key(site.tenant_id, provider, "")
        self._leasing.take(key, count=len(claimed) + len(apart))
        for each in claimed:
            self._start(self._one(site, each, endpoints, begun=begun), key=key)
        for grant in apart:
            one = self._apart(site, grant, upstream=upstream, endpoints=endpoints)
            self._start(one, key=key)

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
        _tell(fault, tenant_id=site.tenant_id, grant_id=leased.id)
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


def _tell(fault: Exception, **whose: str) -> None:
    _log.error("a refresh failed", kind=type(fault).__name__, **whose)
    count_background_failure("vault refresh")
