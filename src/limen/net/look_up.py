"""Names to addresses, in threads of its own: a name server that hangs takes nobody else's.

The standard loop's threads are few and serve other work too. A name is looked up once at a time,
however many ask; nothing is remembered afterwards, for where a name leads is looked at each time.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from limen.kernel.shares import Holder
from limen.kernel.site import whose_turn
from limen.net.places import Places

_THREADS: Final = 32
"""One tenant has half of them at most, however many names of its own hang."""


class LookUps:
    """Looks names up; stands for the loop where aiohttp's resolver asks one."""

    def __init__(self) -> None:
        self._places = Places(_THREADS)
        self._threads: ThreadPoolExecutor | None = None
        self._under_way: dict[tuple[Any, ...], asyncio.Task[Any]] = {}

    async def getaddrinfo(self, host: str, port: int, **more: Any) -> Any:
        """As the standard loop's.

        Raises:
            OSError: The name is none.
        """
        key = (host, port, *sorted(more.items()))
        task = self._under_way.get(key)
        if task is None:
            look = functools.partial(socket.getaddrinfo, host, port, **more)
            task = self._under_way[key] = asyncio.create_task(self._in_thread(look))
            task.add_done_callback(functools.partial(self._done, key))
        # Whoever gives up leaves the thread to the others who ask, and its place taken.
        return await asyncio.shield(task)

    async def getnameinfo(self, address: Any, flags: int = 0) -> Any:
        """As the standard loop's."""
        return await self._in_thread(functools.partial(socket.getnameinfo, address, flags))

    async def close(self) -> None:
        """Wait for nothing any more."""
        for task in list(self._under_way.values()):
            task.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _in_thread(self, look: functools.partial[Any]) -> Any:
        async with self._places.place(Holder(whose_turn(), 1)):
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, "look-up")
            return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    def _done(self, key: tuple[Any, ...], task: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # heard, also if nobody waits for it any more
