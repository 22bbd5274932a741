"""From a URL, or from a host application's engine, to a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import sqlalchemy as sa

from limen.db.sqlite import SqliteDatabase
from limen.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from limen.db.postgres import PostgresDatabase

Database: TypeAlias = "SqliteDatabase | PostgresDatabase"


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
        # An installation on SQLite does without asyncpg: it is heavy.
        from limen.db.postgres import PostgresDatabase  # noqa: PLC0415 -- as it says
        from limen.db.postgres_pool import PostgresPool  # noqa: PLC0415 -- as above

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
        from limen.db.postgres import PostgresDatabase  # noqa: PLC0415 -- as above
        from limen.db.postgres_pool import EngineSource  # noqa: PLC0415 -- as above

        return PostgresDatabase(EngineSource(engine))
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and file != ":memory:":
        return SqliteDatabase(Path(file))
    raise ConfigurationError(
        f"The host's engine is {driver}; Limen takes postgresql+asyncpg, or SQLite with a file."
    )
