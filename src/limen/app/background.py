"""Background work: loops that run beside the server, apart from it, or when a host says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from limen.kernel.errors import Unavailable
from limen.observe import logger

_log = logger("limen.background")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing done again and again.

    Args:
        name: For the log.
        every_seconds: The pause after each turn that found nothing to do.
        turn: Does one batch; returns how much it did, so that a backlog gets no pause.
        everywhere: Every process does it (caches, clocks); the others run where the worker is.
        woken: Set when there is something to do before the pause is over.
    """

    name: str
    every_seconds: float
    turn: Callable[[], Awaitable[int]]
    everywhere: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Background:
    """Runs tasks until stopped; one that fails is logged and tried again.

    Args:
        tasks: The literal of the composition root.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tuple(tasks)
        self._stop = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []

    def begin(self, *, worker: bool) -> None:
        """Start the loops.

        Args:
            worker: Also those that one process is enough for.
        """
        self._running = [
            asyncio.create_task(self._loop(task), name=f"limen {task.name}")
            for task in self._tasks
            if worker or task.everywhere
        ]

    async def end(self) -> None:
        """Let each finish its turn, and stop."""
        self._stop.set()
        await asyncio.gather(*self._running)

    async def run_once(self) -> int:
        """Do one turn of everything; return how much was done. For a host's own scheduler."""
        return sum([await task.turn() for task in self._tasks])

    async def _loop(self, task: Task) -> None:
        while not self._stop.is_set():
            done = 0
            try:
                done = await task.turn()
            except Unavailable as refusal:
                _log.warning("background task waits", task=task.name, refusal=refusal.code)
            except Exception as error:  # noqa: BLE001 -- a loop must outlive any one failure; it is logged
                _log.error("background task failed", task=task.name, kind=type(error).__name__)
            if not done:
                await self._pause(task)

    async def _pause(self, task: Task) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, task.woken)]
        try:
            await asyncio.wait(
                waits, timeout=task.every_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
        task.woken.clear()
