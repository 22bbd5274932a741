"""The same flows, wherever a Limen stands and whatever it keeps its rows in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import SERVICES
from tests.databases import Services
from tests.hosts import host_with_routes
from tests.installation import Installation
from tests.standings import MATRIX, Plan, copied, prepared_sqlite, standing


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for the session: the servers live in it."""
    return "asyncio"


@pytest.fixture(scope="session")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await prepared_sqlite(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="session", params=MATRIX, ids="-".join)
async def limen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, prepared: Path
) -> AsyncIterator[Installation]:
    """A Limen that lives as long as the run: tests use people and clients of their own."""
    stands, engine = request.param
    folder = tmp_path_factory.mktemp("limen")
    services: Services = request.config.stash[SERVICES]
    host = host_with_routes() if stands.startswith("mounted") else None

    def plan(url: str) -> Plan:
        return Plan(folder=folder, database_url=url, standing=stands, host=host)

    if engine == "sqlite":
        async with standing(plan(copied(prepared, folder))) as running:
            yield running
        return
    async with services.postgres_database(empty=True) as url, standing(plan(url)) as running:
        yield running
