"""How often one address block may ask, counted in memory.

These limits keep machines busy with real work; they may be lost at a restart. What guesses a
secret is counted in SQL, by those who guard it.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from limen.kernel.clock import Clock
from limen.kernel.errors import Throttled
from limen.settings import Rate
from limen.web.peer.client_ip import address_block, client_ip
from limen.web.state import edge_of, site_of

_MAX_KEYS: Final = 100_000


@dataclass(slots=True)
class Window:
    """What is counted for one key.

    Attributes:
        index: Number of the current window since the epoch.
        here: Hits of the current window seen by this process and not yet shared.
        shared: Hits of the current window all processes have told of.
        before: Hits of the window before.
    """

    index: int
    here: int = 0
    shared: int = 0
    before: int = 0


@dataclass(slots=True)
class RateLimiter:
    """Count hits in a sliding window made of two fixed ones.

    Args:
        rate_of: The rate of a name; ``None`` for no limit.
        clock: Windows are numbered by it, so that processes agree.
    """

    rate_of: Callable[[str], Rate | None]
    clock: Clock
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def hit(self, name: str, key: str) -> None:
        """Count one hit.

        Raises:
            Throttled: If that is one too many; a refused hit counts no further.
        """
        rate = self.rate_of(name)
        if rate is None:
            return
        position = self.clock.now().timestamp() / rate.per_seconds
        index = math.floor(position)
        window = self._window(name, key, index)
        passed = position - index
        used = window.here + window.shared + window.before * (1 - passed)
        if used + 1 > rate.amount:
            raise Throttled(
                "too_many_requests",
                "Too many requests from your network. Wait a moment and try again.",
                retry_after_seconds=math.ceil((1 - passed) * rate.per_seconds),
            )
        window.here += 1

    def _window(self, name: str, key: str, index: int) -> Window:
        found = self.windows.get((name, key))
        if found is None:
            if len(self.windows) >= _MAX_KEYS:
                self._make_room()
            found = self.windows[name, key] = Window(index)
        elif found.index != index:
            follows = found.index + 1 == index
            before = found.here + found.shared if follows else 0
            found.index, found.before, found.here, found.shared = index, before, 0, 0
        return found

    def _make_room(self) -> None:
        """Forget the half that has been there longest: memory is bounded, whoever floods."""
        for key in list(self.windows)[: _MAX_KEYS // 2]:
            del self.windows[key]


def check_rate(request: Request, name: str) -> None:
    """Count a request of the caller's address block towards the limit of that name.

    Raises:
        Throttled: ``too_many_requests``.
    """
    block = address_block(client_ip(request))
    edge_of(request).limiter.hit(name, f"{site_of(request).tenant_id} {block}")


def limit(name: str) -> Callable[[Request], Awaitable[None]]:
    """Return a FastAPI dependency that counts a request towards the limit of that name."""

    async def count(request: Request) -> None:
        check_rate(request, name)

    return count
