"""Connections to PostgreSQL, kept in a list and handed out.

asyncpg's own pool starts a task at each release and wraps every call, which together cost a
request as much as the statement it came for.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import Any, Final

import asyncpg
import sqlalchemy as sa

from limen.db.postgres import FAILURES

_ACQUIRE_SECONDS: Final = 2.0
_COMMAND_SECONDS: Final = 30.0
_KEEP_SECONDS: Final = 300.0
_CANCEL_SECONDS: Final = 2.0
_BEGUN_SECONDS: Final = 0.25
_SOON_SECONDS: Final = 0.05


class PostgresPool:
    """So many connections at most, made when they are needed; the one used last goes first.

    While one transaction follows the other, COMMIT opens the next one in the same message, and the
    BEGIN costs no round trip. Such a connection has neither read nor locked anything; after a
    quarter of a second without work its transaction is ended.

    Args:
        dsn: ``postgresql://…``.
        size: The most connections this process opens.
        keep_seconds: One idle for longer is not trusted to be alive: firewalls forget.
        cancel_seconds: How long the server may take to confirm that it dropped a query.
        soon_seconds: At most so long after one transaction another is taken to follow it.
        begun_seconds: How long a transaction waits for somebody to use it.
    """

    def __init__(
        self,
        dsn: str,
        size: int,
        *,
        keep_seconds: float = _KEEP_SECONDS,
        cancel_seconds: float = _CANCEL_SECONDS,
        soon_seconds: float = _SOON_SECONDS,
        begun_seconds: float = _BEGUN_SECONDS,
    ) -> None:
        self._dsn = dsn
        self._keep_seconds = keep_seconds
        self._cancel_seconds = cancel_seconds
        self._soon_seconds = soon_seconds
        self._begun_seconds = begun_seconds
        self._size = size
        self._room = asyncio.Semaphore(size)
        self._opened = 0
        self._idle: list[tuple[Any, float]] = []  # asyncpg ships no types
        self._begun: list[tuple[Any, float]] = []
        self._tidying: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._committed_at = -math.inf
        self._closed = False

    async def open(self) -> None:
        """Connect to nothing yet: start does not depend on the server's mood."""
        self._room = asyncio.Semaphore(self._size)
        self._closed = False

    async def acquire(self, *, to_write: bool = False) -> Any:
        """Take a connection; wait for room, connect if need be, two seconds at most.

        Args:
            to_write: One in a begun transaction will do, and is preferred.

        Raises:
            TimeoutError: None is free in time, or the server does not answer.
        """
        if not self._room.locked() and self._ready(to_write=to_write) is not None:
            return await self._take(to_write=to_write)
        async with asyncio.timeout(_ACQUIRE_SECONDS):
            return await self._take(to_write=to_write)

    def exchange(self, held: Any) -> Any | None:
        """Take a begun connection in the place of one that is in no transaction."""
        if not self._has(self._begun):
            return None
        self._idle.append((held, time.monotonic()))
        return self._begun.pop()[0]

    def expects_more(self) -> bool:
        """Say, as one transaction ends, whether another will soon begin: the last was just now."""
        last, self._committed_at = self._committed_at, time.monotonic()
        return self._committed_at - last < self._soon_seconds

    async def release(self, held: Any, *, begun: bool = False) -> None:
        """Give a connection back; one that died or is in the middle of something is dropped.

        Args:
            held: The connection.
            begun: Its last COMMIT opened a transaction, in which nothing was done.
        """
        try:
            await self._await_cancellation(held)
        finally:
            if (
                self._closed
                or held.is_closed()
                or _is_busy(held)
                or held.is_in_transaction() != begun
            ):
                self._drop(held)
            elif begun:
                self._begun.append((held, time.monotonic()))
                self._tidy_later()
            else:
                self._idle.append((held, time.monotonic()))
            self._room.release()

    def raw(self, held: Any) -> Any:
        """Return the driver's connection."""
        return held

    async def close(self) -> None:
        """Close the idle connections; one in use is dropped when it comes back."""
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
        for ending in self._ending:  # it may wait for one in use
            ending.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        for kept in (self._idle, self._begun):
            while kept:
                self._opened -= 1
                await kept.pop()[0].close()

    def _has(self, kept: list[tuple[Any, float]]) -> bool:
        """Say whether the last of the list is good, dropping what is not."""
        while kept:
            connection, since = kept[-1]
            if not connection.is_closed() and time.monotonic() - since < self._keep_seconds:
                return True
            kept.pop()
            self._drop(connection)
        return False

    def _drop(self, connection: Any) -> None:
        self._opened -= 1
        connection.terminate()

    def _tidy_later(self) -> None:
        if self._tidying is None:
            self._tidying = asyncio.get_running_loop().call_later(self._begun_seconds, self._tidy)

    def _tidy(self) -> None:
        self._tidying = None
        ending = asyncio.create_task(self._end_begun())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _end_begun(self) -> None:
        """End the transactions that nobody came for; whoever comes meanwhile takes them first."""
        while self._has_waited():
            async with self._room:  # counted as held meanwhile
                if self._has_waited():
                    await self._end(self._begun.pop(0)[0])
        if self._begun:
            self._tidy_later()

    def _has_waited(self) -> bool:
        """Say whether the one that was begun first has waited for long enough."""
        return bool(self._begun) and time.monotonic() - self._begun[0][1] >= self._begun_seconds

    async def _end(self, connection: Any) -> None:
        if not await self._is_plain(connection):
            return
        if self._closed:
            self._drop(connection)
        else:
            self._idle.append((connection, time.monotonic()))

    async def _is_plain(self, connection: Any) -> bool:
        """End a transaction in which nothing was done; ``False`` if the connection was lost."""
        try:
            await connection.execute("ROLLBACK")
        except BaseException as error:
            self._drop(connection)
            if isinstance(error, FAILURES):
                return False
            raise
        return True

    async def _await_cancellation(self, held: Any) -> None:
        """Wait until a cancelled query is over.

        A request to cancel that reaches the server before its query does is lost, and whoever
        is given the connection next would wait for a query that is not theirs. asyncpg drops
        the connection when the time is over.
        """
        if _is_busy(held):
            with contextlib.suppress(TimeoutError):
                await held._protocol._wait_for_cancellation(self._cancel_seconds)  # noqa: SLF001 -- as asyncpg's own pool does; there is no public way

    def _ready(self, *, to_write: bool) -> list[tuple[Any, float]] | None:
        """Return the list whose last connection can be handed out as it is."""
        if to_write and self._has(self._begun):
            return self._begun
        return self._idle if self._has(self._idle) else None

    async def _take(self, *, to_write: bool) -> Any:
        await self._room.acquire()
        try:
            ready = self._ready(to_write=to_write)
            if ready is not None:
                return ready.pop()[0]
            while self._opened >= self._size and self._has(self._begun):
                begun, _ = self._begun.pop()
                if await self._is_plain(begun):
                    return begun
            return await self._connect()
        except BaseException:
            self._room.release()
            raise

    async def _connect(self) -> Any:
        self._opened += 1
        try:
            return await asyncpg.connect(
                self._dsn,
                statement_cache_size=500,
                max_cached_statement_lifetime=0,
                command_timeout=_COMMAND_SECONDS,
                server_settings={"application_name": "limen", "synchronous_commit": "on"},
            )
        except BaseException:
            self._opened -= 1
            raise


def _is_busy(held: Any) -> bool:
    """Say whether a query of this connection was cancelled and may still run."""
    return not held.is_closed() and bool(held._protocol._is_cancelling())  # noqa: SLF001 -- as above


class EngineSource:
    """Connections of a host's AsyncEngine over asyncpg."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    async def open(self) -> None:
        """Nothing to open: the host owns the engine."""

    async def acquire(self, *, to_write: bool = False) -> Any:  # noqa: ARG002 -- as from our pool
        try:
            async with asyncio.timeout(_ACQUIRE_SECONDS):
                connection = await self._engine.connect()
                return connection, (await connection.get_raw_connection()).driver_connection
        except sa.exc.SQLAlchemyError as error:
            raise ConnectionError(type(error).__name__) from error

    def exchange(self, _: Any) -> Any | None:
        return None  # the host's connections are begun when they are needed

    def expects_more(self) -> bool:
        return False

    async def release(self, held: Any, *, begun: bool = False) -> None:  # noqa: ARG002 -- never
        connection, raw = held
        if raw.is_closed():
            # The host's pool did not see it die and would hand it out again for ever.
            await connection.invalidate()
        await connection.close()

    def raw(self, held: Any) -> Any:
        return held[1]

    async def close(self) -> None:
        """Nothing to close: the host owns the engine."""
