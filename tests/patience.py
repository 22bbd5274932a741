"""Waiting for what a server does by itself: the one place where tests look at a real clock.

A test says what must come true and never for how long it may take: the deadline is there to end
a run that hangs, and no busy machine misses it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import pytest

T = TypeVar("T")
SECONDS: Final = 60.0
KEPT_SECONDS: Final = 75
"""How long servers in tests keep idle connections: longer than clients, as `limen serve`.

A server that hangs up first may do so just when its client asks again.
"""
_PAUSE_SECONDS: Final = 0.02


async def until(ask: Callable[[], Awaitable[T]], why: str = "it does not come true") -> T:
    """Ask again and again until the answer is one; return it.

    Args:
        ask: Returns something false as long as it is too early.
        why: What the test says when it gives up.
    """
    deadline = time.monotonic() + SECONDS
    while not (answer := await ask()):
        assert time.monotonic() < deadline, why
        await asyncio.sleep(_PAUSE_SECONDS)
    return answer


def until_now(ask: Callable[[], T], why: str = "it does not come true") -> T:
    """As ``until``, for tests that have no loop."""
    deadline = time.monotonic() + SECONDS
    while not (answer := ask()):
        assert time.monotonic() < deadline, why
        time.sleep(_PAUSE_SECONDS)
    return answer


def wait_for_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let those who come all at once wait for a connection to PostgreSQL as long as it takes.

    On a busy machine the last of fifty waits for more than the two seconds that a request does,
    and is told so (503): then it is not counted, which is no answer to what is asked of a count.
    """
    monkeypatch.setattr("limen.db.postgres_pool._ACQUIRE_SECONDS", SECONDS)
