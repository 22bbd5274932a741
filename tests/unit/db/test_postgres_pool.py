from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from limen.db.postgres_pool import PostgresPool
from tests.conftest import SERVICES
from tests.patience import SECONDS, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def dsn(pytestconfig: pytest.Config) -> AsyncIterator[str]:
    async with pytestconfig.stash[SERVICES].postgres_database(empty=True) as url:
        yield url


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    made = PostgresPool(dsn, 2)
    await made.open()
    yield made
    await made.close()


async def test_a_connection_given_back_is_used_again(pool: PostgresPool) -> None:
    first = await pool.acquire()
    await pool.release(first)
    again = await pool.acquire()
    assert again is first
    await pool.release(again)


async def test_there_are_never_more_than_allowed(pool: PostgresPool) -> None:
    held = [await pool.acquire(), await pool.acquire()]
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    await pool.release(held[0])
    assert await waiting is held[0]
    for each in held:
        await pool.release(each)


async def test_whoever_gives_up_waiting_takes_no_room(pool: PostgresPool) -> None:
    held = [await pool.acquire(), await pool.acquire()]
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for each in held:
        await pool.release(each)
    assert {await pool.acquire(), await pool.acquire()} == set(held)
    for each in held:
        await pool.release(each)


async def test_a_dead_connection_is_not_handed_out(pool: PostgresPool) -> None:
    idle, in_use = await pool.acquire(), await pool.acquire()
    await pool.release(idle)
    idle.terminate()
    in_use.terminate()
    await pool.release(in_use)
    for new in (await pool.acquire(), await pool.acquire()):
        assert await new.fetchval("SELECT 1") == 1
        await pool.release(new)


async def test_a_connection_left_in_a_transaction_is_dropped(pool: PostgresPool) -> None:
    left = await pool.acquire()
    await left.execute("BEGIN")
    await pool.release(left)
    assert left.is_closed()
    other = await pool.acquire()
    assert not other.is_in_transaction()
    await pool.release(other)


async def test_a_connection_whose_query_was_cancelled_goes_on(dsn: str) -> None:
    pool = PostgresPool(dsn, 2, cancel_seconds=SECONDS)
    first, other = await pool.acquire(), await pool.acquire()
    asleep = asyncio.create_task(first.execute("SELECT pg_sleep(600)"))
    # A request to cancel that overtakes its query is lost: wait until the server is at it.
    running = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event = 'PgSleep' AND datname = current_database()"
    )
    await until(lambda: other.fetchval(running))
    asleep.cancel()
    await asyncio.gather(asleep, return_exceptions=True)
    await pool.release(first)
    again = await pool.acquire()
    assert again is first
    assert await again.fetchval("SELECT 1") == 1
    for each in (again, other):
        await pool.release(each)
    await pool.close()


async def test_one_whose_cancellation_was_lost_is_dropped(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(**_: object) -> None: ...

    monkeypatch.setattr("asyncpg.connect_utils._cancel", lost)
    pool = PostgresPool(dsn, 1, cancel_seconds=0.05)
    first = await pool.acquire()
    asleep = asyncio.create_task(first.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0)
    asleep.cancel()
    await asyncio.gather(asleep, return_exceptions=True)
    await pool.release(first)
    assert first.is_closed()
    other = await pool.acquire()
    assert await other.fetchval("SELECT 1") == 1
    await pool.release(other)
    await pool.close()


async def test_whoever_gives_up_while_a_cancellation_is_awaited_takes_no_room(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(**_: object) -> None: ...

    monkeypatch.setattr("asyncpg.connect_utils._cancel", lost)
    pool = PostgresPool(dsn, 1, cancel_seconds=60)
    first = await pool.acquire()
    asleep = asyncio.create_task(first.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0)
    asleep.cancel()
    await asyncio.gather(asleep, return_exceptions=True)
    releasing = asyncio.create_task(pool.release(first))
    await asyncio.sleep(0)
    releasing.cancel()
    await asyncio.gather(releasing, return_exceptions=True)
    assert first.is_closed()
    await pool.release(await pool.acquire())
    await pool.close()


async def test_one_idle_for_too_long_is_replaced(dsn: str) -> None:
    pool = PostgresPool(dsn, 1, keep_seconds=0)
    first = await pool.acquire()
    await pool.release(first)
    other = await pool.acquire()
    assert other is not first
    assert first.is_closed()
    await pool.release(other)
    await pool.close()


async def test_a_connection_in_use_at_the_end_is_dropped_when_it_comes_back(dsn: str) -> None:
    pool = PostgresPool(dsn, 1)
    held = await pool.acquire()
    await pool.close()
    await pool.release(held)
    assert held.is_closed()


async def test_a_failed_connection_takes_no_room(dsn: str) -> None:
    pool = PostgresPool(dsn + "_is_not_there", 1)
    for _ in range(2):
        with pytest.raises(Exception, match="does not exist"):
            await pool.acquire()
