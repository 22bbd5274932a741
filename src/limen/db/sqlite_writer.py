"""The one writer of a SQLite file: writers take turns, and those who wait commit together.

A COMMIT waits for the disk and costs a thread hop, far more than the statements before it. So a
Work that is done does not commit alone: whoever was waiting for the turn by then writes into the
same transaction, behind a savepoint of its own, and one COMMIT makes all of them durable. Each is
told so only after that. A Work that is refused rolls back to its savepoint and takes nobody with
it; if the transaction itself dies or its COMMIT fails, whatever the reason, all of them are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from limen.kernel.errors import Unavailable

_WAIT_SECONDS: Final = 10.0
_DIED: Final = "SQLite gave up the transaction"


class SqliteWriter:
    """A connection that all Works of this process write through, one after the other.

    Args:
        raw: Used by nobody else; in autocommit.
        translated: Turns the driver's errors into ours.
    """

    def __init__(
        self, raw: sqlite3.Connection, *, translated: Callable[[Exception], Exception]
    ) -> None:
        self.raw: Final = raw
        self._translated = translated
        self._turn = asyncio.Lock()
        self._commits = ThreadPoolExecutor(1, "sqlite-commit")
        self._together: asyncio.Future[None] | None = None

    async def begin(self) -> None:
        """Wait for the turn, then open the transaction or join the one that waits for its COMMIT.

        Raises:
            SqliteBusy: If another process keeps the file locked.
        """
        await self._turn.acquire()
        try:
            if self._together is not None:
                self.raw.execute("SAVEPOINT joined")
            else:
                await self._begin_when_free()
        except BaseException:
            self._turn.release()
            raise

    async def roll_back(self) -> None:
        """Undo what this Work wrote and pass the turn on; who waits for the COMMIT still does."""
        try:
            if not self.raw.in_transaction:
                self._fail(sqlite3.OperationalError(_DIED))  # a full disk, say
            elif self._together is None:
                self.raw.execute("ROLLBACK")
            else:
                self.raw.execute("ROLLBACK TO joined")
                self.raw.execute("RELEASE joined")
        except sqlite3.Error as error:
            self._fail(error)  # else the COMMIT would keep what was refused
            raise
        finally:
            self._turn.release()

    async def commit(self) -> None:
        """Make this Work's writes durable, together with those of all who wait by now.

        The first of those who commit together does it for all of them: whoever cancels that one
        comes too late. Another one who is cancelled is told nothing; the rest hear how it ended.

        Raises:
            SqliteBusy: As ``begin``.
            Unavailable: If the disk is full or gone, or the writer is being closed.
        """
        joined = self._together
        if joined is None:
            await self._lead()
            return
        try:
            self.raw.execute("RELEASE joined")
        except sqlite3.Error as error:
            self._fail(error)
        finally:
            self._turn.release()
        await asyncio.shield(joined)

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._commits.shutdown()
        self.raw.close()

    async def _lead(self) -> None:
        together = self._together = asyncio.get_running_loop().create_future()
        self._turn.release()
        await self._take_last_turn()
        try:
            if self._together is together:
                await self._commit_all(together)
        finally:
            self._turn.release()
        await together

    async def _take_last_turn(self) -> None:
        """Take the turn again after all who wait; not to be cancelled, others wait for us."""
        # Once round the loop, so that those whose requests arrived with ours come as far as to
        # wait. The lock is fair: all who wait have written when it is ours again.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await self._turn.acquire()
                return

    async def _commit_all(self, together: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            committing = loop.run_in_executor(self._commits, self.raw.execute, "COMMIT")
            # To its end, whoever is cancelled: a COMMIT that came after ours had been given up
            # would make the next one's half-written transaction durable.
            while not committing.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.shield(committing)
            committing.result()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- all who wait are told, whatever it is
            self._fail(error)
        else:
            self._together = None
            together.set_result(None)

    def _fail(self, error: BaseException) -> None:
        """Undo the whole transaction, and tell all who were to commit together."""
        with contextlib.suppress(sqlite3.Error):
            if self.raw.in_transaction:
                self.raw.rollback()
        together, self._together = self._together, None
        if together is not None:
            together.set_exception(self._told(error))

    def _told(self, error: BaseException) -> Exception:
        if isinstance(error, sqlite3.Error):
            return self._translated(error)
        # An executor that was shut down, say: by nobody's retry does it come back.
        name = type(error).__name__
        return Unavailable("database_unavailable", "The database can't be reached.", detail=name)

    async def _begin_when_free(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + _WAIT_SECONDS
        while True:
            try:
                self.raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or loop.time() > until:
                    raise self._translated(error) from error
                await asyncio.sleep(0.0005 + secrets.randbelow(2500) / 1e6)
            else:
                return


def is_busy(error: Exception) -> bool:
    """Say whether another process holds the lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
