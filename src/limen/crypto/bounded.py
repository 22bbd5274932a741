"""A cache that can't grow without end, and never holds what a rolled-back Work saw."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from limen.db.work import Work

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Keep the most recently used entries.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return the entry and mark it used."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def keep(self, work: Work, key: K, value: V) -> None:
        """Keep what a Work read: at once, or at its commit if it has written.

        A Work that wrote may have read its own uncommitted rows; were they kept and the Work
        rolled back, this process would go on with a key that no table holds.
        """
        if work.dirty:
            work.after_commit(lambda: self.put(key, value))
        else:
            self.put(key, value)

    def keys(self) -> list[K]:
        """Return every key at hand."""
        return list(self._entries)

    def forget(self, key: K) -> None:
        """Drop an entry."""
        self._entries.pop(key, None)

    def put(self, key: K, value: V) -> None:
        """Keep an entry that no transaction can undo."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)
