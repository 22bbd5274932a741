"""A clock that runs with the machine's, can be moved on, and can be made to stand still."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator

from typing_extensions import override

from limen.kernel.clock import SystemClock


class MovableClock(SystemClock):
    """Business time of a running server; its database's clock is nobody's to move."""

    def __init__(self) -> None:
        super().__init__()
        self._held: dt.datetime | None = None

    @override
    def now(self) -> dt.datetime:
        return self._held or super().now()

    def advance(self, **by: float) -> None:
        """Move on, by ``timedelta``'s words."""
        step = dt.timedelta(**by)
        self.offset += step
        if self._held is not None:
            self._held += step

    @contextlib.contextmanager
    def held(self) -> Iterator[dt.datetime]:
        """Let time stand still for a block, but for what ``advance`` adds."""
        self._held = super().now()
        try:
            yield self._held
        finally:
            self._held = None
