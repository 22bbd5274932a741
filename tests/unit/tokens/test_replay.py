from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from limen.db.work import Work, Works
from limen.kernel.errors import InvalidInput
from limen.kernel.site import Site
from limen.testing.clock import FrozenClock
from limen.tokens.replay.first_time import first_time
from limen.tokens.sweep import sweep

pytestmark = pytest.mark.anyio

MINUTE = dt.timedelta(minutes=1)


async def present(works: Works, site: Site, *, of: str = "a", value: str = "1") -> bool:
    async def body(work: Work) -> bool:
        return await first_time(
            work, kind="dpop_proof", of=of, value=value, until=work.now + MINUTE
        )

    return await works.run(site, body)


async def test_n063_of_twenty_at_once_one_is_first(works: Works, site: Site) -> None:
    told = await asyncio.gather(*(present(works, site) for _ in range(20)))
    assert sum(told) == 1


async def test_what_is_another_ones_or_another_value_is_new(works: Works, site: Site) -> None:
    assert await present(works, site, of="ab", value="c")
    assert await present(works, site, of="a", value="bc")
    assert not await present(works, site, of="ab", value="c")


async def test_a_refusal_afterwards_gives_nothing_back(works: Works, site: Site) -> None:
    async def refused(work: Work) -> None:
        until = work.now + MINUTE
        assert await first_time(work, kind="dpop_proof", of="a", value="1", until=until)
        raise InvalidInput("some_code", "No.")

    with pytest.raises(InvalidInput):
        await works.run(site, refused)
    assert not await present(works, site)


async def test_it_is_forgotten_when_it_would_be_too_old_by_any_nodes_clock(
    works: Works, site: Site, clock: FrozenClock
) -> None:
    assert await present(works, site)
    clock.advance(3 * MINUTE - dt.timedelta(seconds=1))
    assert await sweep(works) == 0
    assert not await present(works, site)
    clock.advance(dt.timedelta(seconds=1))
    assert await sweep(works) == 1
    assert await present(works, site)
