"""Who is next: what is due first, as long as nobody has so much under way that others wait for it.

One tenant, one client of ours at a provider, one provider: each has its share of the places (see
``kernel.shares``). What is due is leased in the order in which it is due; once more is due than
there is room for, others are looked for behind those who have most.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from limen.db.work import Work
from limen.kernel.shares import Holder, Shares
from limen.kernel.site import ALL_TENANTS
from limen.vault.parts import Parts
from limen.vault.refresh.claim import OWNER
from limen.vault.store import due as others
from limen.vault.store import journal
from limen.vault.store.due import Beside, Found, Look, client_name
from limen.vault.store.journal import Due

_Kind = Literal["client", "provider", "tenant"]
_TIMES: Final[dict[_Kind, int]] = {"client": 2, "provider": 3, "tenant": 4}
"""What each may have of what is left free: a tenant more than one client of it, so that its other
connections have room too, and so has a provider of many tenants."""
_NEWCOMERS: Final = tuple(Holder("", times) for times in _TIMES.values())
_LOOK_SECONDS: Final = 0.25
"""So often others are looked for while nobody but those who have most is found."""
_ROWS: Final = 1000
"""So many rows one look reads, and no more, however many are due."""
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(slots=True)
class _Place:
    """Where the next look begins."""

    since: dt.datetime = _LONG_AGO
    rows: int = _ROWS

    def move(self, look: Look, *, most: int) -> None:
        """Go on behind what was seen, and begin anew when all was."""
        if look.rows_read < self.rows and len(look.found) < most:
            self.since, self.rows = _LONG_AGO, _ROWS
            return
        filled = len(look.found) == most
        end = look.found[-1].due_at if filled else look.read_to or self.since
        # Many are due in one and the same moment: read further the next time.
        self.rows = _ROWS if end > self.since else self.rows * 2
        self.since = end


class Leasing:
    """Leases what is due, and counts who has how much under way.

    Args:
        parts: The vault's. ``times.together`` is what one client of ours gets while it is alone;
            half as many places again are for others.
    """

    def __init__(self, parts: Parts) -> None:
        times = parts.times
        self._parts = parts
        self._shares = Shares((3 * times.together + 1) // 2)
        self._enough = max(1.0, min(times.batch, times.together) / 2)
        self._room = asyncio.Event()
        self._waits = False
        self._places: dict[_Kind, _Place] = {kind: _Place() for kind in _TIMES}
        self._turn = 0
        self._looked_at = float("-inf")
        self.more = True

    async def next(self) -> list[Due]:
        """Lease what comes next; ``more`` says afterwards whether anything else may be due."""
        found = await self._others() if self.more and self._is_time() else []
        room = self._plain_room()
        if room:
            self.more = True  # also if this fails
            first = await self._first(min(self._parts.times.batch, room))
            found += first
        return found

    def take(self, tenant_id: str, provider: str, *, count: int) -> None:
        """Count so many more as under way."""
        self._shares.take(_holders(tenant_id, provider), count=count)

    def leave(self, tenant_id: str, provider: str, *, count: int) -> None:
        """Count so many as done."""
        self._shares.leave(_holders(tenant_id, provider), count=count)
        if self._waits and self._shares.free >= self._enough and self._plain_room():
            self._room.set()

    def wake(self) -> None:
        """End the wait."""
        self._room.set()

    async def wait(self) -> None:
        """Wait until there is room for what is due next, or time to look for others."""
        if self._is_time() or self._plain_room():
            return
        self._room.clear()
        self._waits = True
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._room.wait()
        except TimeoutError:
            return
        finally:
            self._waits = False

    def _plain_room(self) -> int:
        """Return how many may be leased whosever they are; 0 if they are few."""
        room = self._shares.room_for_any(*_NEWCOMERS)
        return room if room >= self._enough else 0

    def _is_time(self) -> bool:
        return asyncio.get_running_loop().time() - self._looked_at >= _LOOK_SECONDS

    async def _first(self, most: int) -> list[Due]:
        seconds = self._parts.times.lease_seconds

        async def claim(work: Work) -> list[Due]:
            return await journal.claim_due(work, batch=most, owner=OWNER, lease_seconds=seconds)

        leased = await self._parts.works.run(ALL_TENANTS, claim)
        self.more = len(leased) == most
        for each in leased:
            self.take(each.tenant_id, each.grant.provider, count=1)
        return leased

    async def _others(self) -> list[Due]:
        """Lease what is due of others than those who have most, if that is anybody."""
        self._looked_at = asyncio.get_running_loop().time()
        most = min(self._parts.times.batch, self._shares.room_for(*_NEWCOMERS))
        kind, beside = self._beside()
        if not beside or most < 1:
            return []
        place = self._places[kind]

        async def look(work: Work) -> Look:
            return await others.look_beside(
                work, beside, since=place.since, rows=place.rows, most=most
            )

        seen = await self._parts.works.run(ALL_TENANTS, look)
        place.move(seen, most=most)
        chosen = [each for each in seen.found if self._let_in(each)]
        if not chosen:
            return []
        self._looked_at = float("-inf")  # there may be more of them
        return await self._claim(chosen)

    def _let_in(self, found: Found) -> bool:
        if not self._shares.room_for(*_holders(found.tenant_id, found.provider)):
            return False
        self.take(found.tenant_id, found.provider, count=1)
        return True

    async def _claim(self, chosen: Sequence[Found]) -> list[Due]:
        seconds = self._parts.times.lease_seconds

        async def claim(work: Work) -> list[Due]:
            return await others.claim_found(work, chosen, owner=OWNER, lease_seconds=seconds)

        leased: list[Due] = []
        try:
            leased = await self._parts.works.run(ALL_TENANTS, claim)
        finally:
            ours = {(each.tenant_id, each.grant.id) for each in leased}
            for each in chosen:
                if (each.tenant_id, each.grant_id) not in ours:
                    self.leave(each.tenant_id, each.provider, count=1)
        return leased

    def _beside(self) -> tuple[_Kind, Beside]:
        """Return behind whom to look this time: who has its share, and who has most of a kind.

        The kinds take turns: behind a tenant's one client there may be another of its own, and
        behind all of its clients another tenant.
        """
        kinds = list(_TIMES)
        for _ in kinds:
            kind = kinds[self._turn % len(kinds)]
            self._turn += 1
            if any(self._has_most(holder) for holder in self._of(kind)):
                break
        else:
            kind = kinds[0]
        return kind, Beside(
            tenants=self._named("tenant", too_much_for=kind),
            providers=self._named("provider", too_much_for=kind),
            clients=self._named("client", too_much_for=kind),
        )

    def _named(self, kind: _Kind, *, too_much_for: _Kind) -> frozenset[str]:
        return frozenset(
            holder.name
            for holder in self._of(kind)
            if self._has_its_share(holder) or (kind == too_much_for and self._has_most(holder))
        )

    def _of(self, kind: _Kind) -> list[Holder]:
        return [each for each in self._shares.holders() if each.times == _TIMES[kind]]

    def _has_its_share(self, holder: Holder) -> bool:
        return self._shares.room_for(holder) < 1

    def _has_most(self, holder: Holder) -> bool:
        return 2 * self._shares.taken(holder) > self._shares.all_taken


def _holders(tenant_id: str, provider: str) -> tuple[Holder, ...]:
    return (
        Holder(client_name(tenant_id, provider), _TIMES["client"]),
        Holder(provider, _TIMES["provider"]),
        Holder(tenant_id, _TIMES["tenant"]),
    )
