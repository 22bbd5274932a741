"""Bring a database to this version's schema, and say which version it has."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from limen.db.base import PREFIX
from limen.db.work import Work, Works
from limen.kernel.errors import ConfigurationError
from limen.kernel.site import ALL_TENANTS

VERSION_TABLE: Final = PREFIX + "schema_version"
_SCRIPTS: Final = Path(__file__).parent / "migrations"
_ATTEMPTS: Final = 5
_ONE_AT_A_TIME: Final = threading.Lock()
_UNDEFINED_TABLE: Final = "42P01"

# tenant: none, the table holds one row for the database
_VERSION: sa.Executable = sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))


async def migrate(url: str) -> str:
    """Run the missing migrations; several processes may do so at once.

    Args:
        url: As ``LIMEN_DATABASE_URL``.

    Returns:
        The revision the database is at now.

    Raises:
        ConfigurationError: If the database can't be reached or changed.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return await asyncio.to_thread(_migrate, url)
        except (sa.exc.OperationalError, sa.exc.ProgrammingError, sa.exc.IntegrityError) as error:
            # Another process may be creating the same tables; the loser looks again.
            if attempt == _ATTEMPTS - 1:
                text = type(error.orig).__name__
                raise ConfigurationError(f"The database can't be migrated: {text}.") from error
            await asyncio.sleep(0.2 * (attempt + 1))
        except OSError as error:
            raise ConfigurationError("The database can't be reached.") from error
    raise AssertionError


def _migrate(url: str) -> str:
    """Migrate in a thread of its own, one at a time: Alembic's context is the process's."""
    with _ONE_AT_A_TIME:
        return _migrate_sqlite(url) if url.startswith("sqlite") else asyncio.run(_migrate_pg(url))


async def _migrate_pg(url: str) -> str:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 -- pulls the ORM in

    engine = create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _migrate_sqlite(url: str) -> str:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=10000")
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.commit()
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        revision = _upgrade(connection)
        connection.commit()
        return revision


def _upgrade(connection: sa.Connection) -> str:
    from alembic import command  # noqa: PLC0415 -- start does without it when nothing is to migrate
    from alembic.migration import MigrationContext  # noqa: PLC0415 -- as above

    command.upgrade(_config(connection), "head")
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision() or ""


def _config(connection: sa.Connection | None) -> Any:
    from alembic.config import Config  # noqa: PLC0415 -- as above

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("version_path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def current(works: Works) -> str:
    """Return the revision a database is at; empty when it holds no schema of ours."""

    async def body(work: Work) -> str:
        return str((await work.execute(_VERSION)).scalar() or "")

    try:
        return await works.run(ALL_TENANTS, body)
    except Exception as error:
        if _tells_no_table(error):
            return ""
        raise


def _tells_no_table(error: Exception) -> bool:
    undefined = getattr(error, "sqlstate", "") == _UNDEFINED_TABLE
    return undefined or isinstance(error, sqlite3.OperationalError)


def head() -> str:
    """Return the newest revision of this version: the migrations' file names begin with it."""
    names = sorted(path.name for path in (_SCRIPTS / "versions").glob("*.py"))
    return names[-1].partition("_")[0] if names else ""
