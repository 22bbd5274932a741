"""From a URL, or from a host application's engine, to a database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from limen.db.postgres import PostgresDatabase
from limen.db.postgres_pool import ACQUIRE_SECONDS, PostgresPool
from limen.db.sqlite import SqliteDatabase
from limen.kernel.errors import ConfigurationError

Database = SqliteDatabase | PostgresDatabase


def open_database(url: str, *, pool: int = 10) -> Database:
    """Return the database a URL names, not yet opened.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://…``.
        pool: The most PostgreSQL connections this process opens.

    Raises:
        ConfigurationError: If the URL names neither; the text does not repeat it, it may hold a
            password.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        path = Path(rest[1:].partition("?")[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteDatabase(path)
    if scheme.partition("+")[0] in {"postgresql", "postgres"} and rest:
        return PostgresDatabase(PostgresPool("postgresql://" + rest, pool))
    raise ConfigurationError(
        "LIMEN_DATABASE_URL is neither sqlite:///FILE nor postgresql://HOST/NAME."
    )


class HostEngine(Protocol):
    """A SQLAlchemy engine of the host's: ``Engine`` on SQLite, ``AsyncEngine`` on asyncpg."""

    @property
    def url(self) -> sa.URL: ...
    @property
    def dialect(self) -> Any: ...


class _EngineSource:
    """Connections of a host's AsyncEngine over asyncpg."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    async def open(self) -> None:
        """Nothing to open: the host owns the engine."""

    async def acquire(self) -> Any:
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):
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


def from_host_engine(engine: HostEngine) -> Database:
    """Return a database over the connections, or the file, of a host's SQLAlchemy engine.

    Args:
        engine: ``AsyncEngine`` over ``postgresql+asyncpg``; or any engine on a SQLite file, of
            which the file is opened with our own connections.

    Raises:
        ConfigurationError: If it is none of these.
    """
    driver = f"{engine.dialect.name}+{engine.dialect.driver}"
    if driver == "postgresql+asyncpg":
        return PostgresDatabase(_EngineSource(engine))
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and file != ":memory:":
        return SqliteDatabase(Path(file))
    raise ConfigurationError(
        f"The host's engine is {driver}; Limen takes postgresql+asyncpg, or SQLite with a file."
    )
