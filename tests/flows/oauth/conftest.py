"""One installation for each engine and each place; the tests of a module share it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from limen.testing.visitor import Visitor
from tests.conftest import SERVICES
from tests.flows.oauth.installation import PLACES, Installation, Place, installed

_people = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine_of_module(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=PLACES, ids=[place.name for place in PLACES])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest.fixture(scope="module")
def limen(
    place: Place,
    engine_of_module: str,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("limen")
    services = pytestconfig.stash[SERVICES]
    with installed(place, engine=engine_of_module, services=services, folder=folder) as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A program's HTTP client: keeps no cookies, follows nothing."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def browser(limen: Installation) -> AsyncIterator[Visitor]:
    async with Visitor(limen.issuer) as visitor:
        yield visitor


@pytest.fixture
def ada(limen: Installation) -> str:
    """The address of somebody who has an account."""
    email = f"ada{next(_people)}@example.org"
    limen.person(email)
    return email
