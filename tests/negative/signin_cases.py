"""What holds after every refused case at the door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final

import httpx2
import pytest

from limen.db.work import Works
from tests.house import House, house
from tests.unit.signin.kit import WayIn, open_door

__all__ = ["door", "house"]

_WATCHED: Final = (
    "users",
    "user_identifiers",
    "passwords",
    "sessions",
    "grants",
    "account_tokens",
    "outbox",
)
_LEAKS: Final = ("Traceback", "SELECT ", "limen_users", "site-packages", "sqlite", "asyncpg")


@pytest.fixture
async def door(house: House, works: Works) -> AsyncIterator[WayIn]:
    made = await open_door(house, works)
    yield made
    await made.close()


async def snapshot(way: WayIn) -> dict[str, int]:
    """How many rows there are of what a refusal must not touch (O3)."""
    return {name: await way.count(name) for name in _WATCHED}


def check_refusal(answer: httpx2.Response, *, statuses: Iterable[int]) -> None:
    """O1, O2, O5: typed, without detail, without a way on that leads elsewhere."""
    assert answer.status_code in set(statuses), (answer.status_code, answer.text)
    assert not any(leak in answer.text for leak in _LEAKS)
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    assert not any(
        "session" in cookie and "Max-Age=0" not in cookie for cookie in cookies_of(answer)
    )


def cookies_of(answer: httpx2.Response) -> list[str]:
    return list(answer.headers.get_list("set-cookie"))
