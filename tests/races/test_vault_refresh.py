"""Twenty callers, two processes, one expired token: exactly one call reaches the provider."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from limen.testing.processes import free_port
from limen.testing.visitor import Visitor
from tests.databases import Services
from tests.patience import until
from tests.servers import Server
from tests.vault_server import Holder

pytestmark = pytest.mark.anyio
EMAIL = "ada@races.example"
QUIET = {"LIMEN_BACKGROUND_ENABLED": "false"}


@pytest.fixture
async def two(engine_name: str, services: Services, tmp_path: Path) -> AsyncIterator[list[Holder]]:
    """The same person at two processes over one database and one data directory."""
    async with contextlib.AsyncExitStack() as stack:
        url = ""
        if engine_name == "postgresql":
            url = await stack.enter_async_context(services.postgres_database(empty=True))
        first = Server(tmp_path, database_url=url, settings=QUIET)
        first.start()
        stack.callback(first.stop)
        first.create_user(EMAIL)
        second = Server(tmp_path, database_url=url, settings=QUIET)
        second.environment |= {"LIMEN_BASE_URL": first.base_url, "LIMEN_PORT": str(free_port())}
        second.port = int(second.environment["LIMEN_PORT"])
        second.base_url = f"http://localhost:{second.port}"
        second.start()
        stack.callback(second.stop)
        browser = await stack.enter_async_context(Visitor(first.base_url))
        made = [Holder(first, browser)]
        await made[0].sign_in(EMAIL)
        # Cookies know no ports: the same session at the other process.
        made.append(Holder(second, Visitor(second.base_url, session=browser._session)))
        yield made


async def both_know(two: list[Holder], *, moved: int) -> None:
    """Move the clock, and see that the other process has read it: it does so once a second."""
    await two[0].advance(moved)
    host = {"Host": two[0].server.base_url.removeprefix("http://")}

    async def has_read_it() -> bool:
        page = await two[1].browser.fetch("GET", "/dev/clock", headers=host)
        return float(page.json()["offset_seconds"]) >= moved

    await until(has_read_it)


async def test_f4_one_call_reaches_a_provider_that_rotates(two: list[Holder]) -> None:
    connection_id = await two[0].connect("notion", "races")
    await both_know(two, moved=120)
    await two[0].order("notion", lies={"latency_seconds": 0.3})
    answers = await asyncio.gather(
        *(two[number % 2].token(connection_id, seen_generation=1) for number in range(20))
    )
    assert [answer.status for answer in answers] == [200] * 20, answers[0].text
    assert {answer.json()["generation"] for answer in answers} == {2}
    assert len({answer.json()["access_token"] for answer in answers}) == 1
    assert list((await two[0].redemptions("notion")).values()) == [{"presented": 1, "accepted": 1}]


async def test_one_call_reaches_a_provider_that_keeps(two: list[Holder]) -> None:
    connection_id = await two[0].connect("google", "races")
    await both_know(two, moved=7200)
    await two[0].order("google", lies={"latency_seconds": 0.3})
    answers = await asyncio.gather(*(two[number % 2].token(connection_id) for number in range(20)))
    assert [answer.status for answer in answers] == [200] * 20, answers[0].text
    assert {answer.json()["generation"] for answer in answers} == {2}
    assert list((await two[0].redemptions("google")).values()) == [{"presented": 1, "accepted": 1}]
