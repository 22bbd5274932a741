"""SQLite: the standard library's driver, synchronous on the loop, one writer at a time.

A point query costs less than a thread hop, so statements run on the event loop; only COMMIT,
which waits for the disk, runs in a thread (``sqlite_writer``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from limen.db.sqlite_writer import SqliteWriter, is_busy
from limen.db.statements import SQLITE, prepare
from limen.db.trips.last_rows import Write
from limen.kernel.errors import InvalidInput, Unavailable

_PRAGMAS: Final = (
    "busy_timeout=5000",  # before journal_mode: two processes may start at once
    "journal_mode=WAL",
    "busy_timeout=0",
    "synchronous=FULL",
    "foreign_keys=ON",
)


class SqliteConnection:
    """What ``Work`` runs its statements on.

    It reads on the process's one reader, which nobody holds: a statement is over before another
    Work is heard. From the first write on it is its turn at the one writer of the file.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._reader = self._raw = database.reader()

    async def run(
        self, sql: str, values: Sequence[Any], *, returns_rows: bool
    ) -> tuple[list[Any], int]:
        """Execute one statement; return its rows and the number of rows it changed."""
        try:
            cursor = self._raw.execute(sql, values)
            rows = cursor.fetchall() if returns_rows else []
        except _FAILURES as error:
            raise _translated(error) from error
        return rows, len(rows) if returns_rows else cursor.rowcount

    async def run_many(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        """Execute one statement for each tuple of values."""
        try:
            self._raw.executemany(sql, values)
        except _FAILURES as error:
            raise _translated(error) from error

    async def fetch_each(self, sql: str, values: Sequence[Sequence[Any]]) -> list[Any]:
        """Execute one statement for each tuple of values; return the rows of all."""
        try:
            return [row for each in values for row in self._raw.execute(sql, each).fetchall()]
        except _FAILURES as error:
            raise _translated(error) from error

    async def begin(self) -> None:
        """Open the write transaction, waiting for the turn of this process and of the others."""
        writer = self._database.writer()
        await writer.begin()
        self._raw = writer.raw

    async def add_last(self, statement: Write, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert or change rows now, in the transaction; a message to nobody saves nothing here."""
        if self._raw is self._reader:
            await self.begin()
        prepared = prepare(statement, SQLITE, rows[0])
        bound = [prepared.bind(row) for row in rows]
        await self.run_many(bound[0][0], [values for _, values in bound])

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back; not to be cancelled."""
        if self._raw is self._reader:
            return  # waiting for the turn failed: there is nothing of ours to end
        writer = self._database.writer()
        self._raw = self._reader
        try:
            await (writer.commit() if commit else writer.roll_back())
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def release(self) -> None:
        """Nothing to give back: the reader is everybody's."""


class SqliteDatabase:
    """The file, its one reader and its one writer in this process.

    Every connection holds the whole schema in memory, a third of a megabyte.

    Args:
        path: The database file; its folder exists.
    """

    dialect_name: Final = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: sqlite3.Connection | None = None
        self._writer: SqliteWriter | None = None

    async def open(self) -> None:
        """Connect once, so that an unusable file is known at start."""
        self.reader()

    def reader(self) -> sqlite3.Connection:
        """Return the connection that reads, in autocommit."""
        if self._reader is None:
            self._reader = self._connect()
        return self._reader

    def writer(self) -> SqliteWriter:
        """Return the file's one writer in this process."""
        if self._writer is None:
            self._writer = SqliteWriter(self._connect(), translated=_translated)
        return self._writer

    async def acquire(self, *, to_write: bool = False) -> SqliteConnection:  # noqa: ARG002 -- as for PostgreSQL
        """Begin to read."""
        return SqliteConnection(self)

    async def close(self) -> None:
        """Close both connections; ``open`` may follow, in another event loop."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _connect(self) -> sqlite3.Connection:
        try:
            raw = sqlite3.connect(
                self.path,
                isolation_level=None,
                timeout=5,
                check_same_thread=False,
                cached_statements=512,
            )
            for pragma in _PRAGMAS:
                raw.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            raise _translated(error) from error
        return raw


_FAILURES: Final = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""The driver refuses a number or a text it can't hold with Python's own errors."""


class SqliteBusy(Exception):  # noqa: N818 -- a state, retried by Works
    """Another process holds the write lock; the Work may be run again."""


def _translated(error: Exception) -> Exception:
    if is_busy(error):
        return SqliteBusy()
    if isinstance(error, sqlite3.DataError | OverflowError | UnicodeEncodeError):
        return InvalidInput("invalid_value", "A value can't be stored.", detail=str(error))
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return error
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _GONE:
        return Unavailable(
            "database_unavailable", "The database can't be reached.", detail=str(error)
        )
    return error


_GONE: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
    }
)
