from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from limen.kernel.errors import Throttled
from limen.kernel.secret import Secret
from limen.settings import Rate
from limen.testing.clock import FrozenClock
from limen.testing.valkey import ValkeyServer, valkey
from limen.web.rate_limit import RateLimiter
from limen.web.rate_sync import RateSync

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


def limiter(clock: FrozenClock) -> RateLimiter:
    return RateLimiter(lambda _: Rate(10, 60), clock)


def hits(made: RateLimiter, count: int) -> int:
    passed = 0
    for _ in range(count):
        try:
            made.hit("login", "192.0.2.1")
        except Throttled:
            continue
        passed += 1
    return passed


async def test_two_processes_share_a_count_in_batches(
    server: ValkeyServer, clock: FrozenClock
) -> None:
    clock.advance(dt.timedelta(seconds=60 - clock.now().timestamp() % 60))
    one, two = limiter(clock), limiter(clock)
    syncs = [RateSync(made, Secret(server.url)) for made in (one, two)]
    assert hits(one, 6) == 6
    assert hits(two, 3) == 3
    for sync in (*syncs, *syncs):
        await sync.run_once()
    assert hits(two, 5) == 1
    for sync in syncs:
        await sync.close()


async def test_without_valkey_each_process_counts_alone_and_nothing_fails(
    server: ValkeyServer, clock: FrozenClock
) -> None:
    made = limiter(clock)
    sync = RateSync(made, Secret(server.url))
    server.stop()
    assert hits(made, 20) == 10
    assert await sync.run_once() == 0
    assert hits(made, 1) == 0
    server.start()
    assert await sync.run_once() == 1
    await sync.close()
