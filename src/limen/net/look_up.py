"""Names to addresses, in threads of its own: a name server that hangs takes nobody else's.

The standard loop's threads are few and serve other work too. A tenant's name is looked up once at a
time, however many ask; nothing is remembered afterwards, for where a name leads is looked at each
time.
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


class _LookUp:
    """One that is under way, or waits for a place.

    Attributes:
        asking: How many wait for it.
        has_thread: Nobody can call it off any more.
        task: Ends with what was found.
    """

    __slots__ = ("asking", "has_thread", "task")
    task: asyncio.Task[Any]

    def __init__(self) -> None:
        self.asking = 0
        self.has_thread = False


class LookUps:
    """Looks names up; stands for the loop where aiohttp's resolver asks one."""

    def __init__(self) -> None:
        self._places = Places(_THREADS)
        self._threads: ThreadPoolExecutor | None = None
        self._under_way: dict[tuple[Any, ...], _LookUp] = {}

    async def getaddrinfo(self, host: str, port: int, **more: Any) -> Any:
        """As the standard loop's.

        Raises:
            OSError: The name is none.
        """
        # Another tenant's has to wait for that tenant's places.
        key = (whose_turn(), host, port, *sorted(more.items()))
        found = self._under_way.get(key)
        if found is None:
            found = self._under_way[key] = _LookUp()
            look = functools.partial(socket.getaddrinfo, host, port, **more)
            found.task = asyncio.create_task(self._in_thread(look, found))
            found.task.add_done_callback(functools.partial(self._done, key, found))
        found.asking += 1
        try:
            # Whoever gives up leaves the thread to the others who ask, and its place taken.
            return await asyncio.shield(found.task)
        finally:
            found.asking -= 1
            if not found.asking and not found.has_thread:
                # Nobody asks any more: however many names somebody makes up, none is kept.
                self._forget(key, found)
                found.task.cancel()

    async def getnameinfo(self, address: Any, flags: int = 0) -> Any:
        """As the standard loop's."""
        return await self._in_thread(
            functools.partial(socket.getnameinfo, address, flags), _LookUp()
        )

    async def close(self) -> None:
        """Wait for nothing any more."""
        for found in list(self._under_way.values()):
            found.task.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _in_thread(self, look: functools.partial[Any], whose: _LookUp) -> Any:
        async with self._places.place(Holder(whose_turn(), 1)):
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, "look-up")
            whose.has_thread = True
            return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    def _done(self, key: tuple[Any, ...], found: _LookUp, task: asyncio.Task[Any]) -> None:
        self._forget(key, found)
        if not task.cancelled():
            task.exception()  # heard, also if nobody waits for it any more

    def _forget(self, key: tuple[Any, ...], found: _LookUp) -> None:
        if self._under_way.get(key) is found:
            del self._under_way[key]
