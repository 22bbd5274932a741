"""kill -9 at each point of a refresh, then a restart: no refresh token is ever spent twice."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from limen.testing.visitor import Visitor
from tests.databases import Services
from tests.servers import Server
from tests.vault_server import SETTINGS, Holder

pytestmark = pytest.mark.anyio
EMAIL = "ada@faults.example"
KILLED = 137

POINTS = (
    # point, redemptions before the restart, whether the connection survives at Notion
    ("before_claim", 0, True),
    ("in_claim", 0, True),
    ("after_claim", 0, False),
    ("after_answer", 1, False),
    ("in_journal", 1, False),
    ("after_journal", 1, True),
    ("in_commit", 1, True),
    ("after_commit", 1, True),
)

GIVEN_UP = (("reauth_required", "lost_rotation"), ("uncertain", "answer_lost"))


@pytest.fixture
async def holder(engine_name: str, services: Services, tmp_path: Path) -> AsyncIterator[Holder]:
    async with contextlib.AsyncExitStack() as stack:
        url = ""
        if engine_name == "postgresql":
            url = await stack.enter_async_context(services.postgres_database(empty=True))
        server = Server(tmp_path, database_url=url, settings=SETTINGS)
        server.start()
        stack.callback(lambda: server.kill() if server.is_running else None)
        server.create_user(EMAIL)
        browser = await stack.enter_async_context(Visitor(server.base_url))
        made = Holder(server, browser)
        await made.sign_in(EMAIL)
        yield made


async def die_at(holder: Holder, point: str, connection_id: str) -> None:
    """Restart armed, have a refresh end at the point, restart harmless."""
    server = holder.server
    server.stop()
    server.environment["LIMEN_FAILPOINTS"] = f"vault.refresh.{point}"
    server.start()
    with pytest.raises(aiohttp.ClientError):
        await holder.token(connection_id, seen_generation=1)
    assert server.wait_dead() == KILLED
    del server.environment["LIMEN_FAILPOINTS"]
    server.start()


def spent(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> list[int]:
    """How often each refresh token that is new in ``after`` was shown."""
    return [count["presented"] for name, count in after.items() if name not in before]


async def test_a_rotating_refresh_token_is_spent_once_at_most(holder: Holder) -> None:
    for point, expected, survives in POINTS:
        before = await holder.redemptions("notion")
        connection_id = await holder.connect("notion", f"faults-{point}")
        await holder.advance(120)
        await die_at(holder, point, connection_id)
        assert sum(spent(before, await holder.redemptions("notion"))) == expected, point
        answer = await holder.token(connection_id, seen_generation=1)
        shown = {each["id"]: each for each in await holder.connections()}[connection_id]
        if survives:
            assert answer.status == 200, (point, answer.text)
            assert answer.json()["generation"] == 2, point
            assert shown["state"] == "active", point
        else:
            assert answer.status == 409, (point, answer.text)
            assert answer.json()["code"] == "connection_reauth_required", point
            # Honest either way: settled by this request, or by the loop a moment before.
            assert (shown["state"], shown["reason"]) in GIVEN_UP, point
        assert all(count <= 1 for count in spent(before, await holder.redemptions("notion"))), point


async def test_a_refresh_token_that_stays_outlives_every_crash(holder: Holder) -> None:
    for point in ("after_claim", "after_answer", "after_journal", "in_commit"):
        connection_id = await holder.connect("google", f"faults-{point}")
        await holder.advance(120)
        await die_at(holder, point, connection_id)
        answer = await holder.token(connection_id, seen_generation=1)
        assert answer.status == 200, (point, answer.text)
        assert answer.json()["generation"] == 2, point
