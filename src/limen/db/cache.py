"""What is read often and changes seldom, kept for two seconds at most."""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, Protocol, TypeVar

from limen.db.work import Work

T = TypeVar("T")

MAX_AGE_SECONDS: Final = 2.0
"""How long another node may go on with what was changed, where no row is read anyway (N067)."""


class Remembers(Protocol):
    """Anything of this process that keeps what the database may have changed."""

    kind: str

    def forget(self, tenant_id: str, name: str) -> None:
        """Drop what it kept under that name."""


_EVERY: Final[weakref.WeakSet[Remembers]] = weakref.WeakSet()


def remember(memory: Remembers) -> None:
    """Have a memory told, as long as it lives, of what ``forget`` names."""
    _EVERY.add(memory)


class Cache(Generic[T]):
    """A bounded memory of rows by tenant and name.

    It never says *unknown* without looking, and keeps nothing that was read inside a
    transaction with writes, which may yet roll back.

    Args:
        kind: What it keeps, ``client`` say; ``forget`` names it.
        read: Reads one from the database.
        max_entries: What was read the longest ago goes first.
        max_age_seconds: Longer only for what is published with a life of its own.
        amid_writes: Also serves and keeps amid a Work's writes: for rows that no Work reads
            through here after changing them.
    """

    def __init__(
        self,
        kind: str,
        *,
        read: Callable[[Work, str], Awaitable[T | None]],
        max_entries: int = 2000,
        max_age_seconds: float = MAX_AGE_SECONDS,
        amid_writes: bool = False,
    ) -> None:
        self.kind = kind
        self._read = read
        self._max_entries = max_entries
        self._max_age_seconds = max_age_seconds
        self._amid_writes = amid_writes
        self._kept: OrderedDict[tuple[str, str], tuple[T, float]] = OrderedDict()
        remember(self)

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, work: Work, name: str) -> T | None:
        """Return what is known under a name, read anew if that is too long ago."""
        kept = self._kept.get((work.tenant_id, name))
        if (
            kept is not None
            and time.monotonic() - kept[1] < self._max_age_seconds
            and self._is_for(work)
        ):
            return kept[0]
        return await self.fresh(work, name)

    async def fresh(self, work: Work, name: str) -> T | None:
        """Read it now."""
        key = (work.tenant_id, name)
        found = await self._read(work, name)
        if found is None:
            self._kept.pop(key, None)
        elif self._is_for(work):
            self._keep(key, found)
        return found

    def _keep(self, key: tuple[str, str], found: T) -> None:
        """Keep an entry, and none that is too old to be served: strangers choose their size."""
        now = time.monotonic()
        self._kept[key] = (found, now)
        self._kept.move_to_end(key)
        oldest = next(iter(self._kept.values()))[1]
        while len(self._kept) > self._max_entries or (
            now - oldest >= self._max_age_seconds and len(self._kept) > 1
        ):
            self._kept.popitem(last=False)
            oldest = next(iter(self._kept.values()))[1]

    def forget(self, tenant_id: str, name: str) -> None:
        """Drop one entry."""
        self._kept.pop((tenant_id, name), None)

    def _is_for(self, work: Work) -> bool:
        return self._amid_writes or not work.dirty


def forget(work: Work, *, kind: str, name: str) -> None:
    """Make this process forget an entry once the Work that changed it is durable."""

    def drop() -> None:
        for cache in tuple(_EVERY):
            if cache.kind == kind:
                cache.forget(work.tenant_id, name)

    work.after_commit(drop)
