"""Answers that come within a moment of each other, kept and applied in two transactions for all.

For whoever waits for nothing: the loop. What is plain success goes together, and is asked of each
what ``redeem`` asks; everything else goes the way it would go alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limen.db.work import Work
from limen.federation.health.incidents import note_client_works
from limen.kernel import failpoints
from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.observe import logger
from limen.vault.parts import Parts
from limen.vault.refresh.apply import Journalled, Swap, make_swap, tell_swapped
from limen.vault.refresh.claim import Claimed
from limen.vault.refresh.outcome import Moved, Outcome
from limen.vault.refresh.redeem import keep, settle
from limen.vault.sealing import seal_response
from limen.vault.store import in_batches
from limen.vault.store.in_batches import Kept
from limen.vault.store.journal import swap_params

_log = logger("limen.vault")
_GATHER_SECONDS: Final = 0.01
"""For so long an answer waits for others: each two commits are for all that came."""
_MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    claimed: Claimed
    journalled: Journalled
    together: asyncio.Future[bool]
    """Whether it was kept and applied with the others."""


class Answers:
    """Collects what one tenant's refreshes brought.

    Args:
        parts: The vault's.
        site: The tenant.
    """

    def __init__(self, parts: Parts, site: Site) -> None:
        self._parts = parts
        self._site = site
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def settle(self, claimed: Claimed, *, journalled: Journalled) -> Outcome:
        """Keep an answer and make something of it; what is durable is so when this returns."""
        if claimed.held.provider.classify(journalled.answer) == "ok":
            waiting = _Waiting(
                claimed=claimed,
                journalled=journalled,
                together=asyncio.get_running_loop().create_future(),
            )
            self._waiting.append(waiting)
            if self._task is None:
                self._task = asyncio.create_task(self._work_off())
            if await waiting.together:
                return Moved()
        return await settle(self._parts, self._site, claimed, journalled=journalled)

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(_GATHER_SECONDS)
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._settle(batch)
        finally:
            self._task = None

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        """Settle what can be settled together; whatever goes wrong is told to who waits."""
        done: set[str] = set()
        try:
            done = await self._keep_and_apply(batch)
        except asyncio.CancelledError:
            _give_up([*batch, *self._waiting])
            raise
        except Unavailable as gone:
            _tell(batch, gone)
        except Exception as fault:  # noqa: BLE001 -- one of them is at fault: each by itself then
            _log.warning("refreshes are settled one by one", kind=type(fault).__name__)
        except BaseException as ended:  # noqa: BLE001 -- whoever waits raises it
            _tell(batch, ended)
        for each in batch:
            if not each.together.done():
                each.together.set_result(each.claimed.held.grant.id in done)

    async def _keep_and_apply(self, batch: Sequence[_Waiting]) -> set[str]:
        """Return the grants whose tokens were swapped."""

        async def keep_answers(work: Work) -> list[_Waiting]:
            return await self._journal(work, batch)

        kept = await keep(self._parts, self._site, keep_answers)
        failpoints.reach("vault.refresh.after_journal")

        async def commit(work: Work) -> set[str]:
            return await self._apply(work, kept)

        done = await keep(self._parts, self._site, commit)
        failpoints.reach("vault.refresh.after_commit")
        return done

    async def _journal(self, work: Work, batch: Sequence[_Waiting]) -> list[_Waiting]:
        sealed = []
        for each in batch:
            grant, told = each.claimed.held.grant, each.journalled.to_json()
            response = await seal_response(work, self._parts.envelope, grant, told=told)
            sealed.append(Kept(grant, response))
        kept = await in_batches.journal_responses(work, sealed)
        failpoints.reach("vault.refresh.in_journal")
        return [each for each in batch if each.claimed.held.grant.id in kept]

    async def _apply(self, work: Work, kept: Sequence[_Waiting]) -> set[str]:
        swaps: dict[str, tuple[_Waiting, Swap]] = {}
        for each in sorted(kept, key=lambda one: one.claimed.held.grant.id):
            held = each.claimed.held
            swap = await make_swap(work, self._parts, held, journalled=each.journalled)
            if swap is not None:
                swaps[held.grant.id] = (each, swap)
        told = [
            swap_params(
                work,
                each.claimed.held.grant,
                sealed_access=swap.access,
                sealed_refresh=swap.refresh,
                terms=swap.terms,
            )
            for each, swap in swaps.values()
        ]
        # Swapped first: what was not keeps its intent, and with it the answer in the journal.
        done = await in_batches.swap_tokens(work, told)
        settled = [pair for grant_id, pair in swaps.items() if grant_id in done]
        await in_batches.settle_intents(work, [each.claimed.held.grant for each, _ in settled])
        for provider in sorted({each.claimed.held.grant.provider for each, _ in settled}):
            await note_client_works(work, provider=provider)
        for each, swap in settled:
            await tell_swapped(work, each.claimed.held, swap)
        failpoints.reach("vault.refresh.in_commit")
        return done


def _give_up(batch: Sequence[_Waiting]) -> None:
    for each in batch:
        each.together.cancel()


def _tell(batch: Sequence[_Waiting], error: BaseException) -> None:
    for each in batch:
        if not each.together.done():
            each.together.set_exception(error)
