from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from limen.db.work import Work, Works
from limen.kernel.site import ALL_TENANTS, Site
from tests.unit.db import probe as p

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def _table(works: Works, site: Site) -> None:
    await p.create_probe(works)

    async def body(work: Work) -> None:
        await work.execute_many(p.ADD, [{"id": f"{n:03}"} for n in range(100)])
        await work.execute(p.DUE, delay=-1.0)

    await works.run(site, body)


async def _claim(works: Works, *, seconds: float, batch: int = 10) -> list[tuple[str, int]]:
    async def body(work: Work) -> list[tuple[str, int]]:
        rows = await work.execute(p.CLAIM, batch=batch, owner="me", lease_seconds=seconds)
        return [(row.id, row.fence) for row in rows.all()]

    return await works.run(ALL_TENANTS, body)


async def test_each_due_row_is_claimed_once(works: Works) -> None:
    batches = await asyncio.gather(*(_claim(works, seconds=60) for _ in range(15)))
    claimed = [row_id for batch in batches for row_id, _ in batch]
    assert len(claimed) == len(set(claimed))
    claimed += [row_id for row_id, _ in await _claim(works, seconds=60, batch=100)]
    assert sorted(claimed) == [f"{n:03}" for n in range(100)]


async def test_a_lease_that_ran_out_is_claimed_again_under_a_higher_fence(works: Works) -> None:
    first = dict(await _claim(works, seconds=-1.0, batch=100))
    second = dict(await _claim(works, seconds=60, batch=100))
    assert len(second) == 100
    assert all(second[row_id] == fence + 1 for row_id, fence in first.items())
    assert await _claim(works, seconds=60, batch=100) == []


async def test_a_row_that_is_not_due_yet_is_left(works: Works, site: Site) -> None:
    async def body(work: Work) -> None:
        await work.execute(p.DUE, delay=dt.timedelta(hours=1).total_seconds())

    await works.run(site, body)
    assert await _claim(works, seconds=60) == []
