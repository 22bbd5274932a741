"""PostgreSQL on raw asyncpg: statements prepared once a connection."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import asyncpg

from limen.db.statements import DatabaseRetry
from limen.db.trips.last_rows import Write, as_script
from limen.kernel.errors import InvalidInput, Unavailable


class ConnectionSource(Protocol):
    """Where asyncpg connections come from: our pool, or a host application's engine."""

    async def acquire(self, *, to_write: bool) -> Any: ...
    def exchange(self, held: Any, /) -> Any | None: ...
    def expects_more(self) -> bool: ...
    async def release(self, held: Any, *, begun: bool) -> None: ...
    def raw(self, held: Any) -> Any: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...


class PostgresConnection:
    """One connection; what ``Work`` runs its statements on.

    Args:
        source: It goes back there.
        held: What the source gave; in a begun transaction maybe.
    """

    def __init__(self, source: ConnectionSource, held: Any) -> None:
        self._source = source
        self._held = held
        self._raw = source.raw(held)
        self._is_open = bool(self._raw.is_in_transaction())
        self._begins_next = False
        self._last: list[str] = []

    async def run(
        self, sql: str, values: Sequence[Any], *, returns_rows: bool
    ) -> tuple[list[Any], int]:
        """Execute one statement; return its rows and the number of rows it changed."""
        try:
            if returns_rows:
                rows = await self._raw.fetch(sql, *values)
                return rows, len(rows)
            status = await self._raw.execute(sql, *values)
        except FAILURES as error:
            raise _translated(error) from error
        return [], int(status.rpartition(" ")[2]) if status[-1:].isdigit() else 0

    async def run_many(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        """Execute one statement for each tuple of values."""
        try:
            await self._raw.executemany(sql, values)
        except FAILURES as error:
            raise _translated(error) from error

    async def fetch_each(self, sql: str, values: Sequence[Sequence[Any]]) -> list[Any]:
        """Execute one statement for each tuple of values, all in one message; return all rows."""
        try:
            rows: list[Any] = await self._raw.fetchmany(sql, values)
        except FAILURES as error:
            raise _translated(error) from error
        return rows

    async def begin(self) -> None:
        """Open the transaction, unless there is one that waits for somebody to use it."""
        if self._is_open:
            return
        begun = self._source.exchange(self._held)
        if begun is None:
            await self._verb("BEGIN")
        else:
            self._held, self._raw = begun, self._source.raw(begun)
        self._is_open = True

    async def add_last(self, statement: Write, rows: Sequence[Mapping[str, Any]]) -> None:
        """Have rows inserted or changed in the same message as the COMMIT."""
        self._last.append(as_script(statement, rows))

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back.

        Raises:
            RuntimeError: If PostgreSQL answered ROLLBACK to a COMMIT: the transaction was dead,
                some statement's error was swallowed.
        """
        if not commit:
            await self._roll_back()
            return
        chain = self._is_open and self._source.expects_more()
        commit_ = ["COMMIT AND CHAIN" if chain else "COMMIT"] if self._is_open else []
        try:
            # Several statements in one message are one transaction, with or without a BEGIN.
            status = await self._verb("; ".join([*self._last, *commit_]))
        except BaseException:
            with contextlib.suppress(Exception):
                await self._roll_back()
            raise
        self._begins_next = chain
        if self._is_open and status != "COMMIT":
            raise RuntimeError(_DEAD)

    async def release(self) -> None:
        """Give the connection back to where it came from."""
        await self._source.release(self._held, begun=self._begins_next)

    async def _roll_back(self) -> None:
        if not self._raw.is_closed() and self._raw.is_in_transaction():
            await self._verb("ROLLBACK")

    async def _verb(self, sql: str) -> str:
        try:
            return str(await self._raw.execute(sql))
        except asyncpg.InFailedSQLTransactionError as error:
            raise RuntimeError(_DEAD) from error
        except FAILURES as error:
            raise _translated(error) from error


class PostgresDatabase:
    """A source of connections.

    Args:
        source: Our pool, or the host's engine.
    """

    dialect_name: Final = "postgresql"

    def __init__(self, source: ConnectionSource) -> None:
        self._source = source

    async def open(self) -> None:
        """Prepare the source; the server may be away, the pool finds it later."""
        await self._source.open()

    async def acquire(self, *, to_write: bool = False) -> PostgresConnection:
        """Take a connection.

        Args:
            to_write: It is begun next.

        Raises:
            Unavailable: If none is free in time, or the server is gone.
        """
        try:
            held = await self._source.acquire(to_write=to_write)
            return PostgresConnection(self._source, held)
        except (*FAILURES, TimeoutError) as error:
            # Whatever keeps us from connecting, a changed password too, is an outage to who asks.
            raise _unavailable(error) from error

    async def close(self) -> None:
        """Close the pool."""
        await self._source.close()


_DEAD: Final = "COMMIT of a dead transaction: an error was swallowed in this Work"
FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    UnicodeEncodeError,
)

_GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # its disk, its memory or its connections are used up
    asyncpg.OperatorInterventionError,  # stopped, cancelled, dropped
    asyncpg.PostgresSystemError,  # its disk fails
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,  # a connection that ended while it was spoken on
    OSError,
    TimeoutError,
)


def _translated(error: BaseException) -> Exception:
    if isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
        return DatabaseRetry()
    if isinstance(
        error, asyncpg.DataError | asyncpg.ProgramLimitExceededError | UnicodeEncodeError
    ):
        return InvalidInput("invalid_value", "A value can't be stored.", detail=str(error))
    gone = isinstance(error, _GONE) or (
        isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)
    )
    if gone:
        return _unavailable(error)
    assert isinstance(error, Exception)
    return error


def _unavailable(error: BaseException) -> Unavailable:
    detail = type(error).__name__
    return Unavailable("database_unavailable", "The database can't be reached.", detail=detail)
