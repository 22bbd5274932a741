"""Refresh grants before anybody waits for them; settle what crashes left."""

from __future__ import annotations

import asyncio

from limen.vault.parts import Parts
from limen.vault.refresh.lease import new_leasing
from limen.vault.refresh.recover import SiteOf, recover
from limen.vault.refresh.turn import Turn


class RefreshLoop:
    """Claims due grants in batches; any number of processes may run one.

    Args:
        parts: The vault's.
        site_of: Finds the tenant's place by its id.
    """

    def __init__(self, parts: Parts, *, site_of: SiteOf) -> None:
        self._parts = parts
        self._site_of = site_of
        self._leasing = new_leasing(parts)
        self._ending: set[asyncio.Task[None]] = set()

    async def run_once(self) -> int:
        """Settle what was left, refresh what is due; return how many grants were touched."""
        touched = await self.turn()
        await self.finish()
        return touched

    async def turn(self) -> int:
        """As ``run_once``, but wait for nobody who is slow: the next turn begins beside them.

        Raises:
            Unavailable: As a refresh of this turn or of an earlier one raised it.
        """
        self._raise_what_failed()
        settled = await recover(self._parts, site_of=self._site_of)
        turn = Turn(self._parts, site_of=self._site_of, leasing=self._leasing)
        try:
            return settled + await turn.lease()
        finally:
            self._ending.add(asyncio.create_task(turn.finish()))

    async def finish(self) -> None:
        """Wait for all that is under way, and raise what any of it raised."""
        try:
            if self._ending:
                await asyncio.wait(self._ending)
        except asyncio.CancelledError:
            for task in self._ending:
                task.cancel()
            raise
        self._raise_what_failed()

    def _raise_what_failed(self) -> None:
        ended = {task for task in self._ending if task.done()}
        self._ending -= ended
        for error in [task.exception() for task in ended]:
            if error is not None:
                raise error
