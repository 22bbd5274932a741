"""Share the rate counters between processes through Valkey, in batches.

A hit per request at the server would cost as much as the request itself. Half a second of
lag lets a flood through for half a second; Valkey gone leaves each process its own count.
"""

from __future__ import annotations

from typing import Any, Final

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from limen.kernel.secret import Secret
from limen.observe import logger
from limen.web.rate_limit import RateLimiter, Window

INTERVAL_SECONDS: Final = 0.5
_PREFIX: Final = "limen:rate"
_BATCH: Final = 500
_log = logger("limen.web")


class RateSync:
    """Tell Valkey what was counted here and learn what was counted elsewhere.

    Args:
        limiter: Whose windows are shared.
        url: ``redis://`` or ``rediss://``.
    """

    def __init__(self, limiter: RateLimiter, url: Secret[str]) -> None:
        self._limiter = limiter
        self._client: Any = Valkey.from_url(
            url.reveal(), socket_timeout=1, socket_connect_timeout=1
        )
        self._is_down = False

    async def run_once(self) -> int:
        """Share every window that has news; call it every ``INTERVAL_SECONDS``.

        Returns:
            How many were shared; 0 when Valkey is gone.
        """
        news = [item for item in self._limiter.windows.items() if item[1].here]
        shared = 0
        try:
            for start in range(0, len(news), _BATCH):
                shared += await self._share(news[start : start + _BATCH])
        except (ValkeyError, OSError, TimeoutError) as gone:
            self._tell(is_down=True, kind=type(gone).__name__)
            return 0
        self._tell(is_down=False)
        return shared

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose(close_connection_pool=True)

    async def _share(self, batch: list[tuple[tuple[str, str], Window]]) -> int:
        told: list[tuple[Window, int, int]] = []
        async with self._client.pipeline(transaction=False) as pipe:
            for (name, key), window in batch:
                rate = self._limiter.rate_of(name)
                lives = 2 * rate.per_seconds if rate else 60
                at = f"{_PREFIX}:{name}:{key}:{window.index}"
                pipe.incrby(at, window.here)
                pipe.expire(at, int(lives) + 1)
                told.append((window, window.index, window.here))
            answers = await pipe.execute()
        for (window, index, sent), total in zip(told, answers[::2], strict=True):
            if window.index == index:
                window.here -= sent
                window.shared = int(total)
        return len(told)

    def _tell(self, *, is_down: bool, kind: str = "") -> None:
        if is_down != self._is_down:
            self._is_down = is_down
            _log.warning(
                "rate counters are not shared" if is_down else "rate counters shared", kind=kind
            )
