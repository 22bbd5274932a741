from __future__ import annotations

import asyncio
from functools import partial

import pytest

from limen.db.trips.last_rows import as_script
from limen.db.work import Work, Works
from limen.kernel import slow_step
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.site import Site
from tests.unit.db import probe as p

pytestmark = pytest.mark.anyio
AWKWARD = "'; DROP TABLE probe; --\\ \"\n', 'base64') \x7f é 漢 {}$1"


@pytest.fixture(autouse=True)
async def _table(works: Works) -> None:
    await p.create_probe(works)


async def _ids(works: Works, site: Site) -> list[str]:
    async def body(work: Work) -> list[str]:
        return [row.id for row in (await work.execute(p.IDS)).all()]

    return await works.run(site, body)


@pytest.mark.parametrize("writes", [True, False], ids=["beside-a-write", "alone"])
async def test_rows_added_last_are_as_they_were_told(
    works: Works, site: Site, writes: bool
) -> None:
    at = works.clock.now()

    async def body(work: Work) -> None:
        if writes:
            await work.execute(p.ADD, id="z")
        work.add_last(p.ADD, id="a", at=at, data={"x": [1, AWKWARD, None]}, number=-7)
        work.add_last(p.ADD, id=AWKWARD, at=None, data=[], number=None)

    async def read(work: Work) -> None:
        first = (await work.execute(p.FIND, probe_id="a")).one()
        assert (first.tenant_id, first.at, first.number) == (site.tenant_id, at, -7)
        assert first.data == {"x": [1, AWKWARD, None]}
        second = (await work.execute(p.FIND, probe_id=AWKWARD)).one()
        assert (second.at, second.data, second.number) == (None, [], None)

    await works.run(site, body)
    await works.run(site, read)
    assert len(await _ids(works, site)) == 2 + writes


async def test_what_goes_wrong_takes_the_last_rows_along(works: Works, site: Site) -> None:
    async def body(work: Work, fault: Exception) -> None:
        await work.execute(p.ADD, id="written")
        work.add_last(p.ADD, id="last")
        raise fault

    for fault in (Conflict(), ZeroDivisionError()):
        with pytest.raises(type(fault)):
            await works.run(site, partial(body, fault=fault))
    assert await _ids(works, site) == []


async def test_a_last_row_that_is_refused_takes_everything_along(works: Works, site: Site) -> None:
    async def taken(work: Work) -> None:
        work.add_last(p.ADD, id="taken")

    async def body(work: Work) -> None:
        await work.execute(p.ADD, id="written")
        work.add_last(p.ADD, id="fine")
        work.add_last(p.ADD, id="taken")

    await works.run(site, taken)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await works.run(site, body)
    assert await _ids(works, site) == ["taken"]
    await asyncio.wait_for(works.run(site, lambda work: work.execute(p.ADD, id="next")), 5)


async def test_a_value_that_no_database_takes_is_the_senders_fault(
    works: Works, site: Site
) -> None:
    async def body(work: Work) -> None:
        work.add_last(p.ADD, id="\ud800")

    with pytest.raises(InvalidInput):
        await works.run(site, body)
    assert await _ids(works, site) == []


async def test_a_last_row_counts_as_written(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        assert not work.dirty
        work.add_last(p.ADD, id="a")
        assert work.dirty
        with pytest.raises(RuntimeError, match="slow step"):
            await work.let_go()
        with pytest.raises(slow_step.SlowStepInTransactionError):
            slow_step.entering("a password hash")

    await works.run(site, body)


async def test_a_last_row_of_another_tenant_is_refused(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        work.add_last(p.ADD, id="a", tenant_id="othertenant")

    with pytest.raises(TypeError, match="another tenant"):
        await works.run(site, body)


async def test_no_value_ends_the_literal_it_stands_in() -> None:
    script = as_script(p.ADD, [{"id": AWKWARD, "data": {AWKWARD: AWKWARD}}])
    assert AWKWARD not in script
    assert script.count("'") == 6
    assert "\\" not in script


async def test_a_value_json_has_no_form_for_is_a_defect() -> None:
    with pytest.raises(TypeError, match="complex"):
        as_script(p.ADD, [{"id": "a", "number": 1j}])


async def test_changes_made_last_are_made_in_the_order_they_were_told(
    works: Works, site: Site
) -> None:
    async def body(work: Work) -> None:
        await work.execute(p.ADD, id="a", number=1)
        await work.execute(p.ADD, id="b", number=2)
        work.add_last(p.MORE, probe_id="a", raw=b"\x00'\\\xff")
        work.add_last(p.MORE, probe_id="a", raw=b"last")
        work.add_last(p.MORE, probe_id="none", raw=b"")

    async def read(work: Work) -> list[tuple[int, bytes | None]]:
        rows = [(await work.execute(p.FIND, probe_id=id_)).one() for id_ in ("a", "b")]
        return [(row.number, row.raw) for row in rows]

    await works.run(site, body)
    assert await works.run(site, read) == [(3, b"last"), (2, None)]


async def test_bytes_told_last_are_the_same_bytes(works: Works, site: Site) -> None:
    raw = bytes(range(256))

    async def body(work: Work) -> None:
        work.add_last(p.ADD, id="a", raw=raw)
        work.add_last(p.ADD, id="b", raw=b"")

    async def read(work: Work) -> list[bytes]:
        return [(await work.execute(p.FIND, probe_id=id_)).one().raw for id_ in ("a", "b")]

    await works.run(site, body)
    assert await works.run(site, read) == [raw, b""]


async def test_each_change_says_its_own_row() -> None:
    rows = [{"tenant_id": "t", "probe_id": each, "raw": b""} for each in ("a", "b")]
    assert as_script(p.MORE, rows).count("UPDATE probe") == 2
