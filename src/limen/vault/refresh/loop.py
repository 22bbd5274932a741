"""Refresh grants before anybody waits for them; settle what crashes left."""

from __future__ import annotations

import asyncio
from typing import Final

from limen.vault.parts import Parts
from limen.vault.refresh.recover import SiteOf, recover
from limen.vault.refresh.turn import Turn

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

    async def run_once(self) -> int:
        """Settle what was left, refresh what is due; return how many grants were touched."""
        settled = await recover(self._parts, site_of=self._site_of)
        return settled + await Turn(self._parts, site_of=self._site_of).run()

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh until told to stop."""
        while not stop.is_set():
            if await self.run_once():
                continue
            try:
                await asyncio.wait_for(stop.wait(), timeout=_IDLE_SECONDS)
            except TimeoutError:
                continue
