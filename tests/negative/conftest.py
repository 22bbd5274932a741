"""One Limen for all cases over HTTP; after each of them the rules that always hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import SERVICES
from tests.databases import Services
from tests.installation import Installation
from tests.oracles import check_answers
from tests.standings import Plan, copied, prepared_sqlite, standing

_OVER_HTTP = ("limen", "limen_on_both", "own_limen")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for the session: the servers live in it."""
    return "asyncio"


@pytest.fixture(scope="session")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await prepared_sqlite(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="session")
async def limen(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """A Limen on SQLite that lives as long as the run."""
    folder = tmp_path_factory.mktemp("limen")
    plan = Plan(folder=folder, database_url=copied(prepared, folder))
    async with standing(plan) as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
async def limen_on_both(
    request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The same where the statement decides: on either engine."""
    folder = tmp_path_factory.mktemp("limen")
    if request.param == "sqlite":
        async with standing(Plan(folder=folder, database_url=copied(prepared, folder))) as running:
            yield running
        return
    services: Services = request.config.stash[SERVICES]
    async with (
        services.postgres_database(empty=True) as url,
        standing(Plan(folder=folder, database_url=url)) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def _always(request: pytest.FixtureRequest) -> Iterator[None]:
    """O1, O2, O4, O5, after every case that went over HTTP."""
    named = [name for name in _OVER_HTTP if name in request.fixturenames]
    asked = [request.getfixturevalue(name) for name in named]
    yield
    for found in asked:
        if isinstance(found, Installation):
            check_answers(found)
