"""Background work: loops that run beside the server, apart from it, or when a host says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.observe import logger
from limen.observe.metrics import count_background_failure

SiteT = TypeVar("SiteT", bound=Site)
_log = logger("limen.background")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing done again and again.

    Args:
        name: For the log.
        every_seconds: The pause after each turn that found nothing to do.
        turn: Does one batch; returns how much it did, so that a backlog gets no pause.
        everywhere: Every process does it (caches, clocks); the others run where the worker is.
        finish: Waits for what a turn left under way, before the process ends.
        woken: Set when there is something to do before the pause is over.
    """

    name: str
    every_seconds: float
    turn: Callable[[], Awaitable[int]]
    everywhere: bool = False
    finish: Callable[[], Awaitable[None]] | None = None
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
        """Do one turn of everything; return how much was done. For a host's own scheduler.

        Raises:
            Exception: What the first of those that failed raised, after all had their turn.
        """
        done, failed = 0, None
        for task in self._tasks:
            try:
                done += await task.turn()
                await _finish(task)
            except Exception as error:  # noqa: BLE001 -- raised when all had their turn
                _tell(task.name, error)
                failed = failed or error
        if failed is not None:
            raise failed
        return done

    async def _loop(self, task: Task) -> None:
        while not self._stop.is_set():
            done = 0
            try:
                done = await task.turn()
            except Exception as error:  # noqa: BLE001 -- a loop must outlive any one failure; it is logged
                _tell(task.name, error)
            if not done:
                await self._pause(task)
        try:
            await _finish(task)
        except Exception as error:  # noqa: BLE001 -- the others end well; it is logged
            _tell(task.name, error)

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


async def for_each(
    tenants: Sequence[SiteT], do: Callable[[SiteT], Awaitable[int]], *, task: str
) -> int:
    """Do something for every tenant: what fails for one is logged, counted and no other's trouble.

    Args:
        tenants: All of them.
        do: Returns how much it did.
        task: For the log and the metric.

    Raises:
        Unavailable: To two tenants in a row, or to the only one: it is the database, and
            everybody's.
    """
    done, gone = 0, False
    for tenant in tenants:
        try:
            done += await do(tenant)
            gone = False
        except Unavailable as refusal:
            if gone or len(tenants) == 1:
                raise
            gone = True
            _tell(task, refusal, tenant_id=tenant.tenant_id)
        except Exception as error:  # noqa: BLE001 -- no tenant keeps the others from their turn
            _tell(task, error, tenant_id=tenant.tenant_id)
    return done


async def _finish(task: Task) -> None:
    if task.finish is not None:
        await task.finish()


def _tell(task: str, error: Exception, **whose: str) -> None:
    count_background_failure(task)
    if isinstance(error, Unavailable):
        _log.warning("background task waits", task=task, refusal=error.code, **whose)
    else:
        _log.error("background task failed", task=task, kind=type(error).__name__, **whose)
