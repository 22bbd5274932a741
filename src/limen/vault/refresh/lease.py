"""Whose refresh is next: no tenant, provider or client of ours takes all the places of the loop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from limen.db.fair.leases import Beside, FairLeases, Found, Look
from limen.db.work import Work
from limen.kernel.site import ALL_TENANTS
from limen.vault.parts import Parts
from limen.vault.refresh.claim import OWNER
from limen.vault.store import due, journal
from limen.vault.store.journal import Due

Leasing = FairLeases[Due]


def new_leasing(parts: Parts) -> Leasing:
    """Return what says who is next; the kinds of work are providers."""
    times = parts.times
    return FairLeases(_Grants(parts), batch=times.batch, together=times.together)


class _Grants:
    """Grants that are due, of all tenants."""

    def __init__(self, parts: Parts) -> None:
        self._works = parts.works
        self._seconds: Final = parts.times.lease_seconds

    async def first(self, most: int) -> list[Due]:
        async def claim(work: Work) -> list[Due]:
            return await journal.claim_due(
                work, batch=most, owner=OWNER, lease_seconds=self._seconds
            )

        return await self._works.run(ALL_TENANTS, claim)

    async def look(self, beside: Beside, *, since: dt.datetime, rows: int, most: int) -> Look:
        async def body(work: Work) -> Look:
            return await due.look_beside(work, beside, since=since, rows=rows, most=most)

        return await self._works.run(ALL_TENANTS, body)

    async def claim(self, found: Sequence[Found]) -> list[Due]:
        async def body(work: Work) -> list[Due]:
            return await due.claim_found(work, found, owner=OWNER, lease_seconds=self._seconds)

        return await self._works.run(ALL_TENANTS, body)
