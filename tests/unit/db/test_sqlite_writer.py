from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from limen.db.sqlite_writer import SqliteWriter
from limen.kernel.errors import Unavailable

pytestmark = pytest.mark.anyio


class Disk(sqlite3.Connection):
    """A connection that notes its verbs, and whose disk can be full."""

    commits = 0
    joined = 0
    full = False
    broken: str | None = None

    @override
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql == self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        self.joined += sql == "RELEASE joined"
        if sql == "COMMIT":
            self.commits += 1
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, parameters)


class Refused(Exception):
    pass


class Lost(Exception):
    pass


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    raw = sqlite3.connect(
        tmp_path / "x.db", isolation_level=None, check_same_thread=False, factory=Disk
    )
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("CREATE TABLE t (name TEXT PRIMARY KEY)")
    yield raw
    raw.close()


@pytest.fixture
def writer(disk: Disk) -> Iterator[SqliteWriter]:
    made = SqliteWriter(disk, translated=lambda _: Lost())
    yield made
    made.close()


def durable(tmp_path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as other:
        return [name for (name,) in other.execute("SELECT name FROM t ORDER BY name")]


async def write(writer: SqliteWriter, name: str) -> None:
    """Do as a Work does: write, then commit in a task of its own, or roll back what failed."""
    await writer.begin()
    try:
        _insert(writer, name)
    except (Refused, sqlite3.Error):
        await asyncio.create_task(writer.roll_back())
        raise
    await asyncio.create_task(writer.commit())


def _insert(writer: SqliteWriter, name: str) -> None:
    writer.raw.execute("INSERT INTO t VALUES (?)", (name,))
    if name == "refused":
        raise Refused


async def write_all(writer: SqliteWriter, *names: str) -> list[object]:
    writes = (write(writer, name) for name in names)
    return [type(each) for each in await asyncio.gather(*writes, return_exceptions=True)]


async def test_a_write_is_durable_when_its_commit_returns(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    async def write_and_look(name: str) -> None:
        await write(writer, name)
        assert name in durable(tmp_path)

    names = [f"n{number}" for number in range(20)]
    await asyncio.gather(*map(write_and_look, names))
    assert durable(tmp_path) == sorted(names)


async def test_those_who_wait_for_the_turn_commit_together(
    writer: SqliteWriter, disk: Disk
) -> None:
    await write_all(writer, *(f"n{number}" for number in range(20)))
    assert disk.commits == 1
    await write_all(writer, "one", "two")
    assert disk.commits == 2


async def test_who_comes_in_the_same_turn_of_the_loop_commits_along(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    async def write_soon(name: str) -> None:
        await asyncio.sleep(0)
        await write(writer, name)

    await asyncio.gather(write(writer, "first"), write_soon("second"), write_soon("third"))
    assert durable(tmp_path) == ["first", "second", "third"]
    assert disk.commits == 1


@pytest.mark.parametrize(
    "names",
    [("refused", "a", "b"), ("a", "refused", "b"), ("a", "b", "refused"), ("a", "a", "b")],
    ids=["first", "in the middle", "last", "by the database"],
)
async def test_one_who_fails_takes_nobody_along(
    writer: SqliteWriter, tmp_path: Path, names: tuple[str, ...]
) -> None:
    outcomes = await write_all(writer, *names)
    assert outcomes.count(type(None)) == 2
    assert durable(tmp_path) == ["a", "b"]


async def test_when_the_commit_fails_all_are_told_and_the_next_may_write(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    disk.full = True
    assert await write_all(writer, "a", "b", "c") == [Lost, Lost, Lost]
    disk.full = False
    assert await write_all(writer, "d") == [type(None)]
    assert durable(tmp_path) == ["d"]


async def test_when_sqlite_gives_up_the_transaction_all_before_are_told(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    async def lose() -> None:
        await writer.begin()
        disk.rollback()  # as SQLite does by itself when the disk is full
        await writer.roll_back()

    outcomes = await asyncio.gather(
        write(writer, "before"), lose(), write(writer, "after"), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [Lost, type(None), type(None)]
    assert durable(tmp_path) == ["after"]


async def test_who_commits_what_sqlite_gave_up_is_told(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    async def lose() -> None:
        await writer.begin()
        disk.rollback()
        await writer.commit()

    outcomes = await asyncio.gather(write(writer, "before"), lose(), return_exceptions=True)
    assert [type(each) for each in outcomes] == [Lost, Lost]
    assert durable(tmp_path) == []


async def write_together(writer: SqliteWriter, disk: Disk, *names: str) -> list[asyncio.Task[None]]:
    """Come as far as to wait for one COMMIT, which nobody has begun."""
    before, waiting = disk.joined, [asyncio.create_task(write(writer, name)) for name in names]
    while disk.joined < before + len(names) - 1 or not disk.in_transaction:  # noqa: ASYNC110 -- turn by turn, not a turn too many
        await asyncio.sleep(0)
    return waiting


async def ends_of(waiting: list[asyncio.Task[None]]) -> list[object]:
    together = asyncio.gather(*waiting, return_exceptions=True)
    return [type(each) for each in await asyncio.wait_for(together, timeout=5)]


async def test_a_commit_that_nobody_takes_any_more_is_told_to_all_and_keeps_nothing(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    waiting = await write_together(writer, disk, "a", "b", "c")
    writer._commits.shutdown()
    assert await ends_of(waiting) == [Unavailable] * 3
    assert not disk.in_transaction
    assert await write_all(writer, "d") == [Unavailable]
    assert durable(tmp_path) == []


async def test_who_waits_for_a_commit_when_the_writer_is_closed_is_told(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    waiting = await write_together(writer, disk, "a", "b")
    writer.close()
    assert await ends_of(waiting) == [Unavailable] * 2
    assert durable(tmp_path) == []


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("who", [0, 1], ids=["the first", "another"])
async def test_who_is_cancelled_takes_nobody_along(
    writer: SqliteWriter, disk: Disk, tmp_path: Path, who: int, turns: int
) -> None:
    waiting = await write_together(writer, disk, "a", "b", "c")
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting[who].cancel()
    others = [each for each in waiting if each is not waiting[who]]
    assert await ends_of(others) == [type(None)] * 2
    assert durable(tmp_path) == ["a", "b", "c"]
    assert await write_all(writer, "d") == [type(None)]
    assert not disk.in_transaction


async def test_a_writer_cancelled_again_and_again_still_waits_for_its_commit(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    first, second = await write_together(writer, disk, "a", "b")
    while not second.done():
        first.cancel()
        await asyncio.sleep(0)
    assert await ends_of([second]) == [type(None)]
    assert durable(tmp_path) == ["a", "b"]


def test_an_event_loop_that_ends_leaves_nothing_half_written(disk: Disk, tmp_path: Path) -> None:
    writer = SqliteWriter(disk, translated=lambda _: Lost())

    async def leave() -> None:
        await write_together(writer, disk, "a", "b")

    asyncio.run(leave())
    assert not disk.in_transaction
    assert durable(tmp_path) == ["a", "b"]
    writer.close()


@pytest.mark.parametrize("verb", ["ROLLBACK TO joined", "RELEASE joined"])
async def test_a_refused_write_that_can_not_be_undone_alone_undoes_all(
    writer: SqliteWriter, disk: Disk, tmp_path: Path, verb: str
) -> None:
    waiting = await write_together(writer, disk, "a")
    disk.broken = verb
    with pytest.raises(sqlite3.OperationalError):
        await write(writer, "refused")
    assert await ends_of(waiting) == [Lost]
    assert not disk.in_transaction
    disk.broken = None
    assert await write_all(writer, "b") == [type(None)]
    assert durable(tmp_path) == ["b"]


async def test_a_write_that_can_not_join_undoes_all(
    writer: SqliteWriter, disk: Disk, tmp_path: Path
) -> None:
    waiting = await write_together(writer, disk, "a")
    disk.broken = "RELEASE joined"
    with pytest.raises(Lost):
        await write(writer, "b")
    assert await ends_of(waiting) == [Lost]
    assert not disk.in_transaction
    disk.broken = None
    assert await write_all(writer, "c") == [type(None)]
    assert durable(tmp_path) == ["c"]
