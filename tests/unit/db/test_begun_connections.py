"""While transactions follow each other, the COMMIT of one begins the next."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from limen.db.postgres import PostgresConnection, PostgresDatabase
from limen.db.postgres_pool import PostgresPool
from tests.conftest import SERVICES
from tests.patience import SECONDS, until

pytestmark = pytest.mark.anyio
OURS = "pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
"""Backends that wait in a transaction; others are other tests'."""


@pytest.fixture
async def dsn(pytestconfig: pytest.Config) -> AsyncIterator[str]:
    async with pytestconfig.stash[SERVICES].postgres_database(empty=True) as url:
        yield url


class Told:
    """A pool at which one transaction follows the other, and what was told to its server."""

    def __init__(self, dsn: str, size: int = 2, *, begun_seconds: float = 60.0) -> None:
        self.pool = PostgresPool(dsn, size, soon_seconds=math.inf, begun_seconds=begun_seconds)
        self.pool.expects_more()
        self.database = PostgresDatabase(self.pool)
        self.said: list[str] = []

    @asynccontextmanager
    async def writing(self, *, commit: bool = True) -> AsyncIterator[PostgresConnection]:
        connection = await self.database.acquire(to_write=True)
        self.listen(connection._raw)
        await connection.begin()
        yield connection
        await connection.end(commit=commit)
        await connection.release()
        await asyncio.sleep(0)  # what was said is told a little later

    def listen(self, raw: Any) -> None:
        if not raw._query_loggers:
            raw.add_query_logger(lambda record: self.said.append(record.query))

    async def write(self, number: int, *, commit: bool = True) -> Any:
        async with self.writing(commit=commit) as connection:
            await connection.run("INSERT INTO numbers VALUES ($1)", [number], returns_rows=False)
            return connection._raw

    async def numbers(self) -> list[int]:
        connection = await self.database.acquire()
        assert not connection._raw.is_in_transaction()
        rows, _ = await connection.run("SELECT n FROM numbers", [], returns_rows=True)
        await connection.release()
        return [row[0] for row in rows]


@pytest.fixture
async def told(dsn: str) -> AsyncIterator[Told]:
    made = Told(dsn)
    await made.pool.open()
    plain = await made.pool.acquire()
    await plain.execute("CREATE TABLE numbers (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
    await made.pool.release(plain)
    yield made
    await made.pool.close()


async def test_one_begin_is_enough_for_all_that_follow(told: Told) -> None:
    for number in range(3):
        await told.write(number)
    assert [sql for sql in told.said if not sql.startswith("INSERT")] == [
        "BEGIN",
        *["COMMIT AND CHAIN"] * 3,
    ]
    assert await told.numbers() == [0, 1, 2], "each is durable when it was told so"


async def test_each_is_undone_alone(told: Told) -> None:
    await told.write(1)
    await told.write(2, commit=False)
    await told.write(3)
    assert await told.numbers() == [1, 3]


async def test_who_reads_first_takes_over_a_begun_one(told: Told) -> None:
    begun = await told.write(1)
    reading = await told.database.acquire()
    assert reading._raw is not begun
    await reading.begin()
    assert reading._raw is begun
    assert begun.is_in_transaction()
    await reading.run("INSERT INTO numbers VALUES (2)", [], returns_rows=False)
    await reading.end(commit=True)
    await reading.release()
    assert told.said.count("BEGIN") == 1
    assert await told.numbers() == [1, 2]


async def test_nobody_came(dsn: str) -> None:
    told = Told(dsn, begun_seconds=0.01)
    watching = await told.pool.acquire()
    await watching.execute("CREATE TABLE numbers (n int)")
    begun = await told.write(1)

    async def is_over() -> bool:
        return bool(await watching.fetchval(f"SELECT count(*) FROM {OURS}") == 0)

    await until(is_over)
    other = await told.pool.acquire()
    assert other is begun, "kept, and in no transaction"
    assert not other.is_in_transaction()
    for held in (watching, other):
        await told.pool.release(held)
    await told.pool.close()


async def test_a_reader_is_given_the_only_one_plain(dsn: str) -> None:
    told = Told(dsn, 1)
    plain = await told.pool.acquire()
    await plain.execute("CREATE TABLE numbers (n int)")
    await told.pool.release(plain)
    assert await told.write(1) is plain
    assert await told.numbers() == [1]
    await told.pool.close()


async def test_a_reader_prefers_a_connection_of_its_own(told: Told) -> None:
    begun = await told.write(1)
    reading = await told.pool.acquire()
    assert reading is not begun
    await told.pool.release(reading)


async def test_one_that_died_is_not_handed_out(told: Told) -> None:
    begun = await told.write(1)
    begun.terminate()
    assert await told.write(2) is not begun
    assert await told.numbers() == [1, 2]


async def test_the_only_one_that_died_in_between_is_replaced(dsn: str) -> None:
    told = Told(dsn, 1)
    watching = PostgresPool(dsn, 1)
    other = await watching.acquire()
    await other.execute("CREATE TABLE numbers (n int)")
    await told.write(1)
    await other.execute(f"SELECT pg_terminate_backend(pid) FROM {OURS}")
    assert await told.numbers() == [1]
    await watching.release(other)
    await told.pool.close()
    await watching.close()


async def test_what_fails_at_the_commit_is_told(told: Told) -> None:
    await told.write(1)
    with pytest.raises(Exception, match="duplicate key"):
        await told.write(1)
    await told.write(2)
    assert await told.numbers() == [1, 2]


async def test_a_transaction_left_open_is_not_taken_for_a_begun_one(told: Told) -> None:
    left = await told.pool.acquire()
    await left.execute("BEGIN")
    await told.pool.release(left)
    assert left.is_closed()
    other = await told.pool.acquire(to_write=True)
    assert not other.is_in_transaction()
    await told.pool.release(other)


async def test_who_waited_for_room_to_write_is_given_a_begun_one(dsn: str) -> None:
    told = Told(dsn, 1)
    plain = await told.pool.acquire()
    await plain.execute("CREATE TABLE numbers (n int)")
    await told.pool.release(plain)
    async with told.writing():
        waiting = asyncio.create_task(told.write(2))
        await asyncio.sleep(0)
    await waiting
    assert [sql for sql in told.said if not sql.startswith("INSERT")] == [
        "BEGIN",
        *["COMMIT AND CHAIN"] * 2,
    ]
    await told.pool.close()


async def test_a_single_write_begins_nothing(dsn: str) -> None:
    pool = PostgresPool(dsn, 1, soon_seconds=60)
    assert not pool.expects_more(), "nothing was committed before"
    assert pool.expects_more(), "one was, just now"
    await pool.close()


async def test_who_comes_while_it_is_to_be_ended_is_given_it_and_the_end_waits_for_nobody(
    dsn: str,
) -> None:
    told = Told(dsn, 1, begun_seconds=0.0)
    plain = await told.pool.acquire()
    await plain.execute("CREATE TABLE numbers (n int)")
    await told.pool.release(plain)
    begun = await told.write(1)
    told.pool._tidy()
    held = await told.pool.acquire()
    assert held is begun, "there are never more than allowed"
    told.pool._tidy()
    async with asyncio.timeout(SECONDS):
        await told.pool.close()
    assert not told.pool._ending
    await told.pool.release(held)
    assert held.is_closed()
