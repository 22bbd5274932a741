"""Who is next: what is due first, as long as nobody has so much under way that others wait for it.

Of a tenant, of a kind of work (a provider, say), and of a tenant's work of one kind so much may be
under way as ``kernel.shares`` has it. What is due is leased in the order in which it is due; once
more is due than there is room for, others are looked for behind those who have most, and in turns
behind all who have any. However much that is, one look reads so many rows at most, and where it
ended the next one begins.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from limen.kernel.shares import Holder, Shares

_Whose = Literal["both", "kind", "tenant"]
_TIMES: Final[dict[_Whose, int]] = {"both": 2, "kind": 3, "tenant": 4}
"""What each may have of what is left free: a tenant more than its work of one kind, so that its
other work has room too, and so has a kind more than one tenant's."""
_Turn = _Whose | Literal["any"]
_TURNS: Final[tuple[_Turn, ...]] = (*_TIMES, "any")
"""Behind whom to look: who has most, of each of these, and then whoever has any."""
_NEWCOMERS: Final = tuple(Holder("", times) for times in _TIMES.values())
_LOOK_SECONDS: Final = 0.25
"""So often others are looked for while nobody but those who have most is found."""
_ROWS: Final = 4000
"""So many rows one look reads, and no more, however many are due."""
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Key(NamedTuple):
    """What something that is due is known by.

    Args:
        kind: Of work: a provider, say; with the tenant it says who waits for whom.
        id: Its row's.
    """

    tenant_id: str
    kind: str
    id: str

    @property
    def holders(self) -> tuple[Holder, ...]:
        """For whom its place counts."""
        return (
            Holder(both(self.tenant_id, self.kind), _TIMES["both"]),
            Holder(self.kind, _TIMES["kind"]),
            Holder(self.tenant_id, _TIMES["tenant"]),
        )


def both(tenant_id: str, kind: str) -> str:
    """Return what a tenant's work of one kind is called; the SQL of a look writes it like this."""
    return f"{tenant_id} {kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Of whom nothing is looked for.

    Args:
        tenants: By id.
        kinds: Of whichever tenant.
        boths: Tenants' work of one kind, as ``both`` names it.
    """

    tenants: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    boths: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anybody is left out."""
        return bool(self.tenants or self.kinds or self.boths)

    def params(self) -> dict[str, list[str]]:
        """Return them as parameters of a look's SQL: nobody has an empty name, no list is empty."""
        named = {"tenants": self.tenants, "kinds": self.kinds, "boths": self.boths}
        return {name: sorted(out) or [""] for name, out in named.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that is due; nobody has leased it yet."""

    key: Key
    due_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look saw.

    Args:
        found: Of others, what is due first before the rest.
        rows_read: How many rows were due where it looked, whosever.
        read_to: When the last of them was due; ``None`` if there was none.
    """

    found: Sequence[Found]
    rows_read: int
    read_to: dt.datetime | None


class Leased(Protocol):
    """Something under our lease."""

    @property
    def key(self) -> Key:
        """What it is known by."""


T = TypeVar("T", bound=Leased)


class Source(Protocol[T]):
    """Where leases come from."""

    async def first(self, most: int) -> list[T]:
        """Lease what is due first, so many at most."""

    async def look(self, beside: Beside, *, since: dt.datetime, rows: int, most: int) -> Look:
        """Find what is due of others than these, from what was due then; nothing is leased.

        Args:
            beside: Whom to leave out.
            since: Where to begin.
            rows: Read so many at most.
            most: Find so many at most.
        """

    async def claim(self, found: Sequence[Found]) -> list[T]:
        """Lease what was found and is due still; others may have been quicker."""


@dataclass(slots=True)
class _Place:
    """Where the next look begins."""

    since: dt.datetime = _LONG_AGO
    rows: int = field(default_factory=lambda: _ROWS)

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


class FairLeases(Generic[T]):
    """Leases what is due, and counts who has how much under way.

    Args:
        source: Where leases come from.
        batch: So many are leased at once, at most.
        together: So many are under way of one tenant's work of one kind while it is alone; half as
            many places again are for others.

    Attributes:
        more: Whether anything else may be due.
    """

    def __init__(self, source: Source[T], *, batch: int, together: int) -> None:
        self._source = source
        self._batch = batch
        self._shares = Shares((3 * together + 1) // 2)
        self._enough = max(1.0, min(batch, together) / 2)
        self._room = asyncio.Event()
        self._waits = False
        self._places: dict[_Turn, _Place] = {whose: _Place() for whose in _TURNS}
        self._turn = 0
        self._looked_at = float("-inf")
        self.more = True

    async def next(self) -> list[T]:
        """Lease what comes next; ``more`` says afterwards whether anything else may be due."""
        leased = await self._others() if self.more and self._is_time() else []
        room = self._plain_room()
        if room:
            self.more = True  # also if this fails
            try:
                leased += await self._first(min(self._batch, room))
            except Exception:
                # What is leased already is begun, and its places given back when it is done:
                # whatever is the matter is met again with the next.
                if not leased:
                    raise
        return leased

    def take(self, key: Key, *, count: int = 1) -> None:
        """Count so many more as under way."""
        self._shares.take(key.holders, count=count)

    def leave(self, key: Key, *, count: int = 1) -> None:
        """Count so many as done."""
        self._shares.leave(key.holders, count=count)
        if self._waits and self._shares.free >= self._enough and self._plain_room():
            self._room.set()

    def wake(self) -> None:
        """End the wait."""
        self._room.set()

    async def wait(self) -> None:
        """Wait until there is room for what is due next, or time to look for others."""
        if self._is_time() or self._plain_room():
            await asyncio.sleep(0)  # what is under way has its turn, whatever the source does
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

    async def _first(self, most: int) -> list[T]:
        leased = await self._source.first(most)
        self.more = len(leased) == most
        for each in leased:
            self.take(each.key)
        return leased

    async def _others(self) -> list[T]:
        """Lease what is due of others than those who have most, or have any."""
        self._looked_at = asyncio.get_running_loop().time()
        most = min(self._batch, self._shares.room_for(*_NEWCOMERS))
        whose, beside = self._beside()
        if not beside or most < 1:
            return []
        place = self._places[whose]
        seen = await self._source.look(beside, since=place.since, rows=place.rows, most=most)
        place.move(seen, most=most)
        chosen = [each for each in seen.found if self._let_in(each.key)]
        if not chosen:
            return []
        self._looked_at = float("-inf")  # there may be more of them
        return await self._claim(chosen)

    def _let_in(self, key: Key) -> bool:
        if not self._shares.room_for(*key.holders):
            return False
        self.take(key)
        return True

    async def _claim(self, chosen: Sequence[Found]) -> list[T]:
        leased: list[T] = []
        try:
            leased = await self._source.claim(chosen)
        finally:
            ours = {each.key for each in leased}
            for each in chosen:
                if each.key not in ours:
                    self.leave(each.key)
        return leased

    def _beside(self) -> tuple[_Turn, Beside]:
        """Return behind whom to look this time: who has its share, and who has most.

        They take turns: behind a tenant's work of one kind there may be other work of its own,
        and behind all of that another tenant's. Of several none may have most, and yet somebody
        who has nothing under way wait behind all of them.
        """
        while True:
            whose = _TURNS[self._turn % len(_TURNS)]
            self._turn += 1
            if whose == "any" or any(self._has_most(holder) for holder in self._of(whose)):
                break
        return whose, Beside(
            tenants=self._out("tenant", now=whose),
            kinds=self._out("kind", now=whose),
            boths=self._out("both", now=whose),
        )

    def _out(self, whose: _Whose, *, now: _Turn) -> frozenset[str]:
        return frozenset(
            holder.name
            for holder in self._of(whose)
            if self._shares.room_for(holder) < 1
            or (whose == now and self._has_most(holder))
            or (whose == "both" and now == "any")
        )

    def _of(self, whose: _Whose) -> list[Holder]:
        return [each for each in self._shares.holders() if each.times == _TIMES[whose]]

    def _has_most(self, holder: Holder) -> bool:
        return 2 * self._shares.taken(holder) > self._shares.all_taken
