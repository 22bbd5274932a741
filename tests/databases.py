"""One PostgreSQL for a whole test run, and a database without rows for each test.

The run's first test that asks starts the server, whichever of pytest's worker processes it is
in; the others find it. A small keeper process owns it and ends it when the run is over,
however the run ends.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import itertools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import asyncpg
import sqlalchemy as sa

from limen.db.schema import load_tables
from limen.testing.postgres import postgres

TEMPLATE: Final = "limen_template"
_KEEPER_POLL_SECONDS: Final = 0.5
_numbers = itertools.count()
# Which tables there are, and the transaction that last changed each of them.
_SHAPE: Final = """
    SELECT md5(string_agg(oid || ' ' || xmin, ',' ORDER BY oid))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
_END_OTHERS: Final = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_EMPTY: Final = """
    DO $$
    DECLARE name regclass;
    BEGIN
        SET LOCAL session_replication_role = replica;  -- without foreign keys, in any order
        FOR name IN
            SELECT oid FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        LOOP
            EXECUTE format('DELETE FROM %s', name);
        END LOOP;
    END $$
"""


class Services:
    """What the processes of one test run share: a folder of theirs.

    Args:
        folder: The same in every process of the run.
        run_pid: The process whose end is the end of the run.
    """

    def __init__(self, folder: Path, run_pid: int) -> None:
        self.folder = folder
        self.run_pid = run_pid
        self._server_url = ""
        self._sqlite_template: Path | None = None
        self._idle: list[tuple[str, str]] = []

    async def postgres_url(self) -> str:
        """Return the server's URL, without a database; start it and fill the template if need be."""
        if not self._server_url:
            with self._locked():
                if not (self.folder / "postgres.json").exists():
                    self._start_keeper()
                self._server_url = json.loads((self.folder / "postgres.json").read_text())["url"]
                if not (self.folder / "template").exists():
                    await _fill_template(self._server_url)
                    (self.folder / "template").touch()
        return self._server_url

    @contextlib.asynccontextmanager
    async def postgres_database(self, *, empty: bool = False) -> AsyncIterator[str]:
        """Yield the URL of a database of one's own; with all tables unless ``empty``."""
        server = await self.postgres_url()
        name = f"t{os.getpid()}_{next(_numbers)}"
        template = "template0" if empty else TEMPLATE
        admin = await asyncpg.connect(server + "/postgres")
        try:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
            try:
                yield f"{server}/{name}"
            finally:
                await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await admin.close()

    @contextlib.asynccontextmanager
    async def lent_postgres(self) -> AsyncIterator[str]:
        """Yield the URL of a database with all tables and no rows, of which others had the use.

        To make one takes a tenth of a second and more, to empty one a tenth of that. One whose
        tables were changed is lent to nobody again.
        """
        server = await self.postgres_url()
        name, shape = self._idle.pop() if self._idle else await self._made(server)
        try:
            yield f"{server}/{name}"
        finally:
            admin = await asyncpg.connect(f"{server}/{name}")
            await admin.execute(_END_OTHERS)
            await admin.execute(_EMPTY)
            if await admin.fetchval(_SHAPE) == shape:
                self._idle.append((name, shape))
            await admin.close()

    async def _made(self, server: str) -> tuple[str, str]:
        name = f"lent{os.getpid()}_{next(_numbers)}"
        admin = await asyncpg.connect(server + "/postgres")
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        await admin.close()
        made = await asyncpg.connect(f"{server}/{name}")
        shape = str(await made.fetchval(_SHAPE))
        await made.close()
        return name, shape

    def sqlite_database(self, folder: Path) -> str:
        """Return the URL of a file of one's own with all tables."""
        if self._sqlite_template is None:
            made = self.folder / f"template-{os.getpid()}.db"
            with contextlib.closing(sqlite3.connect(made)) as raw:
                raw.execute("PRAGMA journal_mode=WAL")
                for statement in schema_sql("sqlite://"):
                    raw.execute(statement)
                raw.commit()
            self._sqlite_template = made
        file = folder / "limen.db"
        shutil.copyfile(self._sqlite_template, file)
        return f"sqlite:///{file}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start_keeper(self) -> None:
        command = [sys.executable, __file__, str(self.folder), "--run-pid", str(self.run_pid)]
        keeper = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        (self.folder / "keeper.pid").write_text(str(keeper.pid))
        deadline = time.monotonic() + 60
        while not (self.folder / "postgres.json").exists():
            if keeper.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not start; its message is above")
            time.sleep(0.02)
        keeper.returncode = 0  # it outlives this process on purpose

    def end(self) -> None:
        """End the keeper, and with it the server; called once, at the end of the run."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / "keeper.pid").read_text()), signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)


def schema_sql(url: str) -> list[str]:
    """Return the statements that create every table, in the words of one engine."""
    statements: list[str] = []

    def keep(construct: sa.schema.ExecutableDDLElement, *_: object, **__: object) -> None:
        statements.append(str(construct.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine(url, keep)
    load_tables().create_all(engine, checkfirst=False)
    return statements


async def _fill_template(server: str) -> None:
    admin = await asyncpg.connect(server + "/postgres")
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await admin.close()
    template = await asyncpg.connect(f"{server}/{TEMPLATE}")
    for statement in schema_sql("postgresql+asyncpg://"):
        await template.execute(statement)
    await template.close()


def _keep() -> None:
    """Run the server until told to stop or until the run is gone."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--run-pid", type=int, required=True)
    given = arguments.parse_args()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    with postgres() as server:
        ready = given.folder / "postgres.json"
        (given.folder / "postgres.tmp").write_text(json.dumps({"url": server.url("")[:-1]}))
        (given.folder / "postgres.tmp").rename(ready)
        while not stopped and _alive(given.run_pid):
            time.sleep(_KEEPER_POLL_SECONDS)
    shutil.rmtree(given.folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    _keep()
