"""What is kept in memory, and for how long; nothing is kept anywhere else."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from limen.kernel.clock import Clock

V = TypeVar("V")
_MOST: Final = 1000
_MARGIN: Final = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    until: dt.datetime


class Remembered(Generic[V]):
    """Values until they are not fresh; of many callers who miss one, one fetches it.

    Args:
        clock: Tells when.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Kept[V]] = OrderedDict()
        self._locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    def find(self, key: Hashable, *, min_ttl: dt.timedelta = dt.timedelta()) -> V | None:
        """Return a value that is good for so long yet."""
        kept = self._kept.get(key)
        if kept is None or kept.until <= self._clock.now() + min_ttl:
            return None
        self._kept.move_to_end(key)
        return kept.value

    def keep(self, key: Hashable, value: V, *, ttl: dt.timedelta) -> None:
        """Keep a value for less than it lives: the last minute, or fifth, is not counted."""
        self._kept[key] = _Kept(value, self._clock.now() + ttl - min(_MARGIN, ttl / 5))
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Forget one."""
        self._kept.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()

    async def alone(self, key: Hashable, body: Callable[[], Awaitable[V]]) -> V:
        """Run something while nobody else does for the same key."""
        lock, waiting = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, waiting + 1)
        try:
            async with lock:
                return await body()
        finally:
            lock, waiting = self._locks.pop(key)
            if waiting > 1:
                self._locks[key] = (lock, waiting - 1)
