"""Connections to PostgreSQL, kept in a list and handed out.

asyncpg's own pool starts a task at each release and wraps every call, which together cost a
request as much as the statement it came for.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

import asyncpg
import sqlalchemy as sa

_ACQUIRE_SECONDS: Final = 2.0
_COMMAND_SECONDS: Final = 30.0
_KEEP_SECONDS: Final = 300.0
_CANCEL_SECONDS: Final = 2.0


class PostgresPool:
    """So many connections at most, made when they are needed; the one used last goes first.

    Args:
        dsn: ``postgresql://…``.
        size: The most connections this process opens.
        keep_seconds: One idle for longer is not trusted to be alive: firewalls forget.
        cancel_seconds: How long the server may take to confirm that it dropped a query.
    """

    def __init__(
        self,
        dsn: str,
        size: int,
        *,
        keep_seconds: float = _KEEP_SECONDS,
        cancel_seconds: float = _CANCEL_SECONDS,
    ) -> None:
        self._dsn = dsn
        self._keep_seconds = keep_seconds
        self._cancel_seconds = cancel_seconds
        self._size = size
        self._room = asyncio.Semaphore(size)
        self._idle: list[tuple[Any, float]] = []  # asyncpg ships no types
        self._closed = False

    async def open(self) -> None:
        """Connect to nothing yet: start does not depend on the server's mood."""
        self._room = asyncio.Semaphore(self._size)
        self._closed = False

    async def acquire(self) -> Any:
        """Take a connection; wait for room, connect if need be, two seconds at most.

        Raises:
            TimeoutError: None is free in time, or the server does not answer.
        """
        if self._has_idle() and not self._room.locked():
            return await self._take()
        async with asyncio.timeout(_ACQUIRE_SECONDS):
            return await self._take()

    async def release(self, held: Any) -> None:
        """Give a connection back; one that died or is in the middle of something is dropped."""
        try:
            await self._await_cancellation(held)
        finally:
            if self._closed or held.is_closed() or held.is_in_transaction() or _is_busy(held):
                held.terminate()
            else:
                self._idle.append((held, time.monotonic()))
            self._room.release()

    def raw(self, held: Any) -> Any:
        """Return the driver's connection."""
        return held

    async def close(self) -> None:
        """Close the idle connections; one in use is dropped when it comes back."""
        self._closed = True
        while self._idle:
            await self._idle.pop()[0].close()

    def _has_idle(self) -> bool:
        """Say whether the last of the list is good, dropping what is not."""
        while self._idle:
            connection, since = self._idle[-1]
            if not connection.is_closed() and time.monotonic() - since < self._keep_seconds:
                return True
            self._idle.pop()
            connection.terminate()
        return False

    async def _await_cancellation(self, held: Any) -> None:
        """Wait until a cancelled query is over.

        A request to cancel that reaches the server before its query does is lost, and whoever
        is given the connection next would wait for a query that is not theirs. asyncpg drops
        the connection when the time is over.
        """
        if _is_busy(held):
            with contextlib.suppress(TimeoutError):
                await held._protocol._wait_for_cancellation(self._cancel_seconds)  # noqa: SLF001 -- as asyncpg's own pool does; there is no public way

    async def _take(self) -> Any:
        await self._room.acquire()
        try:
            return self._idle.pop()[0] if self._has_idle() else await self._connect()
        except BaseException:
            self._room.release()
            raise

    async def _connect(self) -> Any:
        return await asyncpg.connect(
            self._dsn,
            statement_cache_size=500,
            max_cached_statement_lifetime=0,
            command_timeout=_COMMAND_SECONDS,
            server_settings={"application_name": "limen", "synchronous_commit": "on"},
        )


def _is_busy(held: Any) -> bool:
    """Say whether a query of this connection was cancelled and may still run."""
    return not held.is_closed() and bool(held._protocol._is_cancelling())  # noqa: SLF001 -- as above


class EngineSource:
    """Connections of a host's AsyncEngine over asyncpg."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    async def open(self) -> None:
        """Nothing to open: the host owns the engine."""

    async def acquire(self) -> Any:
        try:
            async with asyncio.timeout(_ACQUIRE_SECONDS):
                connection = await self._engine.connect()
                return connection, (await connection.get_raw_connection()).driver_connection
        except sa.exc.SQLAlchemyError as error:
            raise ConnectionError(type(error).__name__) from error

    async def release(self, held: Any) -> None:
        connection, raw = held
        if raw.is_closed():
            # The host's pool did not see it die and would hand it out again for ever.
            await connection.invalidate()
        await connection.close()

    def raw(self, held: Any) -> Any:
        return held[1]

    async def close(self) -> None:
        """Nothing to close: the host owns the engine."""
