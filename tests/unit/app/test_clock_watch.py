"""N258: a machine whose clock is wrong opens no Work, until the clock is right again."""

from __future__ import annotations

import datetime as dt

import pytest
from typing_extensions import override

from limen.app.clock_watch import ClockWatch
from limen.db.work import Work, Works
from limen.kernel.clock import SystemClock
from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.observe.metrics import render
from tests.unit.db import probe as p

pytestmark = pytest.mark.anyio


class WrongClock(SystemClock):
    """The machine's clock, put wrong."""

    wrong_by = dt.timedelta()

    @override
    def machine_now(self) -> dt.datetime:
        return super().machine_now() + self.wrong_by


@pytest.fixture
def wrong_clock() -> WrongClock:
    return WrongClock()


@pytest.fixture
async def watched(works: Works, wrong_clock: WrongClock) -> Works:
    """The works of a node, its database's clock being right."""
    await p.create_probe(works)
    return Works(works.database, wrong_clock)


async def _add(works: Works, site: Site, id_: str) -> None:
    async def body(work: Work) -> None:
        await work.execute(p.ADD, id=id_, at=work.now, data={}, raw=b"", number=None)

    await works.run(site, body)


@pytest.mark.parametrize("seconds", [0, 5, -5], ids=["right", "ahead", "behind"])
async def test_n258_a_few_seconds_do_no_harm(
    watched: Works, wrong_clock: WrongClock, site: Site, seconds: int
) -> None:
    wrong_clock.wrong_by = dt.timedelta(seconds=seconds)
    assert await ClockWatch(watched, wrong_clock).look()
    await _add(watched, site, "a")


@pytest.mark.parametrize("seconds", [90, -90, -3600], ids=["ahead", "behind", "an hour behind"])
async def test_n258_beyond_them_all_is_refused_until_it_is_right_again(
    watched: Works, wrong_clock: WrongClock, site: Site, seconds: int
) -> None:
    watch = ClockWatch(watched, wrong_clock)
    wrong_clock.wrong_by = dt.timedelta(seconds=seconds)
    assert not await watch.look()
    with pytest.raises(Unavailable) as refused:
        await _add(watched, site, "a")
    assert refused.value.code == "clock_skew"
    wrong_clock.wrong_by = dt.timedelta()
    assert await watch.look()
    await _add(watched, site, "a")  # the refused one left nothing: the key is free


async def test_n258_a_step_back_shows_where_the_database_steps_with_the_machine(
    watched: Works, wrong_clock: WrongClock, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(works: Works, clock: SystemClock) -> dt.timedelta:
        return dt.timedelta()

    monkeypatch.setattr("limen.app.clock_watch.skew", none)
    watch = ClockWatch(watched, wrong_clock)
    wrong_clock.wrong_by = dt.timedelta(hours=2)
    assert await watch.look()  # a machine that slept
    wrong_clock.wrong_by = dt.timedelta(hours=1)
    assert not await watch.look()
    with pytest.raises(Unavailable):
        await _add(watched, site, "a")
    wrong_clock.wrong_by = dt.timedelta(hours=2)
    assert await watch.look()


async def test_n258_it_is_told(
    watched: Works, wrong_clock: WrongClock, caplog: pytest.LogCaptureFixture
) -> None:
    wrong_clock.wrong_by = dt.timedelta(seconds=90)
    await ClockWatch(watched, wrong_clock).look()
    assert "clock is wrong" in caplog.text
    assert (
        b"limen_clock_skew_seconds 90." in render() or b"limen_clock_skew_seconds 89." in render()
    )


async def test_n258_business_time_moved_in_development_is_no_wrong_clock(
    watched: Works, wrong_clock: WrongClock
) -> None:
    wrong_clock.offset = dt.timedelta(days=3)
    assert await ClockWatch(watched, wrong_clock).look()
