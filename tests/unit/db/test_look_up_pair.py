from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.postgres import PostgresConnection
from limen.db.sqlite import SqliteConnection
from limen.db.statements import Row
from limen.db.work import Work, Works
from limen.kernel.site import Site
from tests.unit.db import probe as p

pytestmark = pytest.mark.anyio

BY_ID = sa.select(p.probe.c.id, p.probe.c.number).where(
    p.probe.c.tenant_id == bindparam("tenant_id"), p.probe.c.id == bindparam("which")
)
BY_NUMBER = sa.select(p.probe.c.number, p.probe.c.data, p.probe.c.at, p.probe.c.id).where(
    p.probe.c.tenant_id == bindparam("tenant_id"), p.probe.c.number == bindparam("which")
)


@pytest.fixture(autouse=True)
async def _rows(works: Works, site: Site) -> None:
    await p.create_probe(works)

    async def body(work: Work) -> None:
        await work.execute(p.ADD, id="a", number=1, data=["$1"], at=work.now)
        await work.execute(p.ADD, id="b", number=2, data=None, at=None)

    await works.run(site, body)


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every message that carries a statement."""
    seen: list[str] = []
    for engine in (SqliteConnection, PostgresConnection):
        original = engine.run

        async def run(
            connection: Any, sql: str, *a: Any, original: Any = original, **k: Any
        ) -> Any:
            seen.append(sql)
            return await original(connection, sql, *a, **k)

        monkeypatch.setattr(engine, "run", run)
    return seen


def _is_postgresql(works: Works) -> bool:
    return works.dialect.name == "postgresql"


@pytest.mark.parametrize(
    ("which", "number", "found"),
    [("a", 2, (True, True)), ("no", 2, (False, True)), ("a", 9, (True, False)), ("no", 9, (0, 0))],
    ids=["both", "the-second", "the-first", "neither"],
)
async def test_what_was_foreseen_arrives_with_the_look_up_before_it(
    *,
    works: Works,
    site: Site,
    trips: list[str],
    which: str,
    number: int,
    found: tuple[bool, bool],
) -> None:
    async def body(work: Work) -> tuple[Row | None, Row | None]:
        work.foresee(BY_NUMBER, which=number)
        return await work.find(BY_ID, which=which), await work.find(BY_NUMBER, which=number)

    first, second = await works.run(site, body)
    assert (first and (first.id, first.number)) == (("a", 1) if found[0] else None)
    assert (second and (second.number, second.id)) == ((2, "b") if found[1] else None)
    assert len(trips) == (1 if _is_postgresql(works) else 2)


async def test_a_row_is_the_same_foreseen_or_not(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        alone = await work.find(BY_NUMBER, which=1)
        work.foresee(BY_NUMBER, which=1)
        await work.find(BY_ID, which="b")
        along = await work.find(BY_NUMBER, which=1)
        assert alone is not None
        assert along is not None
        assert along == alone
        assert along.data == ["$1"]
        assert along.at == alone.at == work.now

    await works.run(site, body)


async def test_a_wrong_guess_is_no_answer(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        work.foresee(BY_NUMBER, which=1)
        await work.find(BY_ID, which="a")
        other = await work.find(BY_NUMBER, which=2)
        assert other is not None
        assert other.id == "b"

    await works.run(site, body)


async def test_what_was_read_before_a_write_is_read_again(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        work.foresee(BY_NUMBER, which=1)
        await work.find(BY_ID, which="a")
        await work.execute(p.ADD, id="c", number=3)
        await work.execute(p.SET, probe_id="a", number=7)
        assert await work.find(BY_NUMBER, which=1) is None

    await works.run(site, body)


async def test_what_was_read_before_a_slow_step_is_read_again(works: Works, site: Site) -> None:
    async def change(work: Work) -> None:
        await work.execute(p.SET, probe_id="a", number=7)

    async def body(work: Work) -> None:
        work.foresee(BY_NUMBER, which=1)
        await work.find(BY_ID, which="a")
        await work.let_go()
        await works.run(site, change)
        assert await work.find(BY_NUMBER, which=1) is None

    await works.run(site, body)


async def test_nothing_is_foreseen_of_another_tenant(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        with pytest.raises(TypeError, match="another tenant"):
            work.foresee(BY_NUMBER, which=1, tenant_id="othertenant")

    await works.run(site, body)


async def test_a_look_up_of_several_rows_is_a_defect(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        await work.execute(p.ADD, id="c", number=1)

    async def look(work: Work) -> None:
        work.foresee(BY_NUMBER, which=1)
        await work.find(BY_ID, which="a")

    await works.run(site, body)
    if _is_postgresql(works):
        with pytest.raises(LookupError, match="more than one row"):
            await works.run(site, look)
    else:
        await works.run(site, look)
