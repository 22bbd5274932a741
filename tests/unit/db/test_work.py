from __future__ import annotations

import asyncio
import datetime as dt
import secrets

import pytest
import sqlalchemy as sa

from limen.db.single_use import take
from limen.db.statements import DatabaseRetry
from limen.db.work import Work, Works
from limen.kernel import slow_step
from limen.kernel.errors import Conflict, InvalidInput, Refusal, Unavailable
from limen.kernel.site import Site
from tests.unit.db import probe as p

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def _table(works: Works) -> None:
    await p.create_probe(works)


async def _ids(works: Works, site: Site) -> list[str]:
    async def body(work: Work) -> list[str]:
        return [row.id for row in (await work.execute(p.IDS)).all()]

    return await works.run(site, body)


async def test_values_come_back_as_they_went_in(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        await work.execute(
            p.ADD, id="a", at=work.now, data={"x": [1, "é"]}, raw=b"\x00z", number=None
        )
        row = (await work.execute(p.FIND, probe_id="a")).one()
        assert (row.at, row.data, row.raw, row.number) == (
            work.now,
            {"x": [1, "é"]},
            b"\x00z",
            None,
        )

    await works.run(site, body)


async def test_a_list_parameter_selects_among_and_none_of_an_empty_list(
    works: Works, site: Site
) -> None:
    async def body(work: Work) -> None:
        await work.execute_many(p.ADD, [{"id": name} for name in "abc"])
        found = (await work.execute(p.AMONG, ids=["a", "c", "zz"])).all()
        assert sorted(row.id for row in found) == ["a", "c"]
        assert (await work.execute(p.AMONG, ids=[])).all() == []

    await works.run(site, body)


async def test_one_statement_for_each_returns_the_rows_of_all(works: Works, site: Site) -> None:
    async def body(work: Work) -> list[str]:
        await work.execute_many(p.ADD, [{"id": name} for name in "abc"])
        wanted = [{"probe_id": name, "at": work.now} for name in ("a", "zz", "c", "a")]
        assert await work.fetch_each(p.TAKE, []) == []
        return [row.id for row in await work.fetch_each(p.TAKE, wanted)]

    async def elsewhere(work: Work) -> None:
        await work.fetch_each(p.TAKE, [{"probe_id": "b", "at": work.now, "tenant_id": "other"}])

    assert await works.run(site, body) == ["a", "c"]
    with pytest.raises(TypeError, match="another tenant"):
        await works.run(site, elsewhere)


async def test_the_tenant_is_bound_by_the_work_and_nobody_else(works: Works, site: Site) -> None:
    other = Site("othertenant", "other", "http://localhost/t/other", "/t/other")

    async def add(work: Work) -> None:
        await work.execute(p.ADD, id="mine")
        with pytest.raises(TypeError, match="another tenant"):
            await work.execute(p.FIND, probe_id="mine", tenant_id="othertenant")

    await works.run(site, add)
    assert await _ids(works, site) == ["mine"]
    assert await _ids(works, other) == []


async def test_a_missing_parameter_is_an_error_not_a_null(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        with pytest.raises(TypeError, match="probe_id"):
            await work.execute(p.FIND)

    await works.run(site, body)


async def test_uniqueness_is_asked_for_and_never_caught(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        assert (await work.execute(p.ADD_ONCE, id="a", number=1)).first() is not None
        assert (await work.execute(p.ADD_ONCE, id="a", number=2)).first() is None
        assert (await work.execute(p.COUNT, id="a", number=9)).scalar() == 2
        assert (await work.execute(p.COUNT, id="b", number=9)).scalar() == 9

    await works.run(site, body)


async def test_of_twenty_who_take_one_wins(works: Works, site: Site) -> None:
    async def add(work: Work) -> None:
        await work.execute(p.ADD, id="a")

    async def body(work: Work) -> bool:
        return await take(work, p.TAKE, probe_id="a", at=work.now) is not None

    await works.run(site, add)
    won = await asyncio.gather(*(works.run(site, body) for _ in range(20)))
    assert won.count(True) == 1


async def test_taking_more_than_one_row_is_a_fault(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        await work.execute_many(p.ADD, [{"id": "a"}, {"id": "b"}])
        await take(work, p.TAKE_ALL, at=work.now)

    with pytest.raises(LookupError):
        await works.run(site, body)
    assert await _ids(works, site) == []


async def test_a_refusal_rolls_back_and_keeps_only_what_must_outlive_it(
    works: Works, site: Site
) -> None:
    async def keep(work: Work) -> None:
        await work.execute(p.ADD, id="kept")

    async def body(work: Work) -> None:
        await work.execute(p.ADD, id="written")
        work.even_if_refused(keep)
        raise Conflict

    with pytest.raises(Refusal):
        await works.run(site, body)
    assert await _ids(works, site) == ["kept"]


async def test_what_outlives_a_refusal_is_also_kept_when_there_is_none(
    works: Works, site: Site
) -> None:
    async def keep(work: Work) -> None:
        await work.execute(p.ADD, id="kept")

    async def body(work: Work) -> None:
        work.even_if_refused(keep)

    await works.run(site, body)
    assert await _ids(works, site) == ["kept"]


async def test_a_crash_keeps_neither(works: Works, site: Site) -> None:
    async def keep(work: Work) -> None:
        await work.execute(p.ADD, id="kept")

    async def body(work: Work) -> None:
        await work.execute(p.ADD, id="written")
        work.even_if_refused(keep)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await works.run(site, body)
    assert await _ids(works, site) == []


async def test_wake_ups_run_after_the_commit_and_not_after_a_refusal(
    works: Works, site: Site
) -> None:
    woken: list[str] = []

    async def good(work: Work) -> None:
        await work.execute(p.ADD, id="a")
        work.after_commit(lambda: woken.append("good"))
        assert woken == []

    async def bad(work: Work) -> None:
        work.after_commit(lambda: woken.append("bad"))
        raise Conflict

    await works.run(site, good)
    with pytest.raises(Conflict):
        await works.run(site, bad)
    assert woken == ["good"]


async def test_a_slow_step_in_a_transaction_is_an_error(works: Works, site: Site) -> None:
    async def after_a_write(work: Work) -> None:
        await work.execute(p.ADD, id="a")
        with pytest.raises(RuntimeError, match="inside an open transaction"):
            slow_step.entering("a hash")
        with pytest.raises(RuntimeError, match="slow step"):
            await work.let_go()

    async def after_a_read(work: Work) -> None:
        await work.execute(p.IDS)
        await work.let_go()
        slow_step.entering("a hash")
        await work.execute(p.SET, probe_id="a", number=3)

    await works.run(site, after_a_write)
    await works.run(site, after_a_read)
    slow_step.entering("a hash")


async def test_cancelled_works_leave_nothing_locked(works: Works, site: Site) -> None:
    started = asyncio.Event()

    async def body(work: Work) -> None:
        await work.execute(p.COUNT, id="a", number=0)
        started.set()
        await asyncio.get_running_loop().create_future()

    for _ in range(5):
        started.clear()
        hanging = asyncio.create_task(works.run(site, body))
        await started.wait()
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging

    async def write(work: Work) -> int:
        return int((await work.execute(p.COUNT, id="a", number=0)).scalar())

    assert await works.run(site, write) == 0


async def test_a_body_is_run_again_when_the_database_asks(works: Works, site: Site) -> None:
    runs = 0

    async def body(work: Work) -> int:
        nonlocal runs
        runs += 1
        await work.execute(p.ADD, id=f"run{runs}")
        if runs < 3:
            raise DatabaseRetry
        return runs

    assert await works.run(site, body) == 3
    assert await _ids(works, site) == ["run3"]


@pytest.mark.parametrize(
    "bad", [{"number": 2**70}, {"id": "\ud800"}], ids=["a number too large", "a lone surrogate"]
)
async def test_a_value_the_database_can_not_hold_is_the_callers_fault(
    works: Works, site: Site, bad: dict[str, object]
) -> None:
    async def body(work: Work) -> None:
        await work.execute(p.ADD, **{"id": "a", **bad})

    with pytest.raises(InvalidInput):
        await works.run(site, body)


async def test_an_id_no_index_can_hold_is_the_callers_fault(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        await work.execute(p.ADD, id=secrets.token_urlsafe(12_000))

    if works.database.dialect_name == "sqlite":  # holds any
        await works.run(site, body)
        return
    with pytest.raises(InvalidInput, match="invalid_value"):
        await works.run(site, body)


@pytest.mark.parametrize("state", ["53100", "53200", "57014", "57P05", "58030", "25P03", "25006"])
async def test_a_server_in_trouble_is_an_outage_and_no_fault_of_ours(
    works: Works, site: Site, state: str
) -> None:
    trouble = sa.text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")

    async def body(work: Work) -> None:
        await work.execute(trouble)

    if works.database.dialect_name == "sqlite":
        return
    with pytest.raises(Unavailable, match="database_unavailable"):
        await works.run(site, body)


async def test_the_moment_of_a_work_does_not_move(works: Works, site: Site) -> None:
    async def body(work: Work) -> tuple[dt.datetime, dt.datetime]:
        first = work.now
        await asyncio.sleep(0)
        return first, work.now

    first, second = await works.run(site, body)
    assert first == second
    assert first.tzinfo is not None
