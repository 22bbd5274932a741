from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from limen.db.engines import open_database
from limen.db.migrate import VERSION_TABLE, current, head, migrate
from limen.db.schema import load_tables
from limen.db.work import Works
from limen.kernel.errors import ConfigurationError
from limen.testing.clock import FrozenClock
from tests.databases import Services


@pytest.fixture
async def empty_url(engine_name: str, services: Services, tmp_path: Path) -> AsyncIterator[str]:
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        async with services.postgres_database(empty=True) as url:
            yield url


def _differences(connection: sa.Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return list(compare_metadata(context, load_tables()))


async def _compare(url: str) -> list[Any]:
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            return _differences(connection)
    async_engine = create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with async_engine.connect() as async_connection:
            return await async_connection.run_sync(_differences)
    finally:
        await async_engine.dispose()


async def test_the_migrations_make_the_tables_that_are_declared(empty_url: str) -> None:
    assert await migrate(empty_url) == head()
    assert await _compare(empty_url) == []


async def test_migrating_twice_and_at_once_is_fine(empty_url: str) -> None:
    assert await asyncio.gather(*(migrate(empty_url) for _ in range(4))) == [head()] * 4


async def test_a_database_says_which_version_it_has(empty_url: str) -> None:
    database = open_database(empty_url)
    await database.open()
    works = Works(database, FrozenClock())
    assert await current(works) == ""
    await migrate(empty_url)
    assert await current(works) == head()
    await database.close()


async def test_a_database_that_is_not_there_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="can't be"):
        await migrate("postgresql://limen:hunter2@127.0.0.1:1/nothing")
