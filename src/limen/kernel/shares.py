"""Places that many want, of which nobody takes so many that the others find none. Pure.

Each may have so many times what is left free, and no more: one alone gets most of the places, two
get as many each, and of any number somebody is always left for whoever comes next. Nobody needs to
know who waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Holder(NamedTuple):
    """Somebody whose places are counted: a tenant, a provider.

    Args:
        name: Holders of one name are one.
        times: How many times the free places it may have: 2 gives it two thirds while it is alone.
    """

    name: str
    times: int


class Shares:
    """Counts who has how many places.

    Args:
        places: How many there are.
    """

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._taken: Counter[Holder] = Counter()

    @property
    def free(self) -> int:
        """How many places nobody has."""
        return self._free

    @property
    def all_taken(self) -> int:
        """How many places somebody has."""
        return self._places - self._free

    def holders(self) -> list[Holder]:
        """Return who has any, whoever has most first."""
        return [holder for holder, _ in self._taken.most_common()]

    def taken(self, holder: Holder) -> int:
        """Return how many a holder has."""
        return self._taken[holder]

    def room_for(self, *holders: Holder) -> int:
        """Return how many more may be taken for something that counts for each of these.

        At least one while any is free and none of them has one: who comes new is let in.
        """
        if self._free < 1:
            return 0
        return min([self._free, *map(self._room_for, holders)])

    def room_for_any(self, *newcomers: Holder) -> int:
        """Return how many more may be taken for whomever they turn out to count for."""
        return self.room_for(*newcomers, *self._taken)

    def take(self, holders: Sequence[Holder], *, count: int = 1) -> None:
        """Take places for something that counts for each of these; room is the caller's to ask."""
        self._free -= count
        for holder in holders:
            self._taken[holder] += count

    def leave(self, holders: Sequence[Holder], *, count: int = 1) -> None:
        """Give places back that were taken for the same holders."""
        self._free += count
        for holder in holders:
            self._taken[holder] -= count
            if not self._taken[holder]:
                del self._taken[holder]

    def _room_for(self, holder: Holder) -> int:
        has = self._taken[holder]
        if not has:
            return max(1, holder.times * self._free // (holder.times + 1))
        # The most that leave it with no more than so many times what is then free.
        return max(0, (holder.times * self._free - has) // (holder.times + 1))
