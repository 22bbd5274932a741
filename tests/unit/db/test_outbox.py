"""The outbox: who is slow to take a delivery, or spoils one, keeps no other's waiting."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest

from limen.db.fair.leases import Beside
from limen.db.outbox import (
    Delivery,
    OutboxLoop,
    _Rows,
    enqueue,
)
from limen.db.parked.events import OutboxRetried
from limen.db.parked.retry import list_parked, retry_parked
from limen.db.work import Work, Works
from limen.kernel.errors import NotFound, Unavailable
from limen.kernel.events import Event
from limen.kernel.site import Site
from limen.observe.metrics import render
from tests.patience import until

pytestmark = pytest.mark.anyio
SLOW, QUICK = "slowtenant", "quicktenan"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are looked for without much waiting, and a turn that can't end is short."""
    monkeypatch.setattr("limen.db.fair.leases._LOOK_SECONDS", 0.01)
    monkeypatch.setattr("limen.db.outbox._TURN_SECONDS", 0.2)


def place(tenant_id: str) -> Site:
    return Site(tenant_id=tenant_id, slug=tenant_id, issuer="https://x.example", path="")


async def site_of(tenant_id: str) -> Site:
    return place(tenant_id)


async def put(works: Works, tenant_id: str, kind: str, count: int = 1) -> None:
    async def body(work: Work) -> None:
        for number in range(count):
            await enqueue(work, kind=kind, payload=str(number).encode(), delay_seconds=-1.0)

    await works.run(place(tenant_id), body)


class Receivers:
    """Takes deliveries; of the slow kind none before it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.waiting = 0
        self.taken: list[tuple[str, str]] = []
        self.failures: list[str] = []

    async def slow(self, delivery: Delivery) -> None:
        self.waiting += 1
        await self.go_on.wait()
        await self.quick(delivery)

    async def quick(self, delivery: Delivery) -> None:
        self.taken.append((delivery.site.tenant_id, delivery.kind))

    def loop(self, works: Works, *, of: Callable[..., object] = site_of) -> OutboxLoop:
        return OutboxLoop(
            works,
            {"slow": self.slow, "quick": self.quick},
            site_of=of,  # type: ignore[arg-type]  # any of them
            on_failure=lambda _, error: self.failures.append(error),
        )


@pytest.mark.parametrize(
    ("tenant_id", "kind"),
    [(QUICK, "quick"), (SLOW, "quick")],
    ids=["another tenant", "other work of the same tenant"],
)
async def test_a_tenant_whose_receiver_hangs_keeps_no_other_waiting(
    works: Works, tenant_id: str, kind: str
) -> None:
    receivers = Receivers()
    loop = receivers.loop(works)
    await put(works, SLOW, "slow", 50)
    await put(works, tenant_id, kind)
    claimed = await loop.turn()
    while claimed < 21:  # nothing of the slow kind ends meanwhile
        claimed += await loop.turn()
    await until(lambda: _true(receivers.taken == [(tenant_id, kind)]))
    assert receivers.waiting == 20
    receivers.go_on.set()
    while await loop.run_once():
        pass
    assert len(receivers.taken) == 51


async def _true(fact: bool) -> bool:
    return fact


async def test_what_another_process_has_leased_meanwhile_is_not_leased_again(works: Works) -> None:
    await put(works, QUICK, "quick", 3)
    ours, theirs = _Rows(works), _Rows(works)
    seen = await ours.look(Beside(), since=LONG_AGO, rows=9, most=9)
    [first] = await theirs.first(1)
    second = await ours.claim(seen.found)
    assert len(seen.found) == 3
    assert {row.key.id for row in second} == {each.key.id for each in seen.found} - {first.key.id}


async def test_a_delivery_of_a_tenant_that_is_unknown_is_put_off_and_the_others_taken(
    works: Works,
) -> None:
    receivers = Receivers()

    async def unknown(tenant_id: str) -> Site:
        if tenant_id == SLOW:
            raise NotFound("unknown_tenant")
        return place(tenant_id)

    loop = receivers.loop(works, of=unknown)
    await put(works, SLOW, "quick", 3)
    await put(works, QUICK, "quick", 2)
    assert await loop.run_once() == 5
    assert receivers.taken == [(QUICK, "quick")] * 2
    assert receivers.failures == ["unknown_tenant"] * 3
    assert await loop.run_once() == 0  # tried again later, as whatever fails


async def test_a_delivery_that_is_given_up_is_counted_and_logged(
    works: Works, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("limen.db.outbox.MAX_ATTEMPTS", 1)
    loop = Receivers().loop(works)
    await put(works, QUICK, "nobody takes this")
    with caplog.at_level("ERROR", logger="limen"):
        await loop.run_once()
    assert b'limen_outbox_parked_total{kind="nobody takes this"}' in render()
    assert '"event":"a delivery is given up"' in caplog.text
    assert await loop.run_once() == 0


async def test_a_database_that_is_gone_is_told_of_by_the_next_turn(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    receivers = Receivers()
    loop = receivers.loop(works)
    await put(works, QUICK, "quick", 2)
    run, site = works.run, place(QUICK)

    async def fail(at: Site, *args: object, **more: object) -> object:
        if at == site:
            raise Unavailable("database_unavailable")
        return await run(at, *args, **more)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(works, "run", fail)
    assert await loop.turn() == 2
    with pytest.raises(Unavailable):
        await loop.finish()


async def claimed_by_the_dead(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process claim what is due and die of it; its lease is over at once."""
    with monkeypatch.context() as patch:
        patch.setattr("limen.db.outbox._LEASE_SECONDS", -1.0)
        assert len(await _Rows(works).first(9)) == 1


@pytest.mark.parametrize("found", ["first", "beside others"])
async def test_a_delivery_that_takes_the_process_with_it_is_given_up_too(
    works: Works, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    monkeypatch.setattr("limen.db.outbox.MAX_ATTEMPTS", 3)
    receivers = Receivers()
    await put(works, QUICK, "quick")
    for _ in range(2):
        await claimed_by_the_dead(works, monkeypatch)
    if found == "beside others":
        monkeypatch.setattr("limen.db.outbox._LEASE_SECONDS", -1.0)
        rows = _Rows(works)
        look = await rows.look(Beside(), since=LONG_AGO, rows=9, most=9)
        [third] = await rows.claim(look.found)
        assert third.row.attempts == 3
    else:
        await claimed_by_the_dead(works, monkeypatch)
    assert await receivers.loop(works).run_once() == 1
    assert (receivers.taken, receivers.failures) == ([], ["delivery_interrupted"])
    parked = await works.run(place(QUICK), lambda work: list_parked(work, most=9))
    assert [(each.attempts, each.last_error) for each in parked] == [(3, "delivery_interrupted")]


async def test_the_attempt_after_one_that_was_interrupted_is_made_and_knows_its_number(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: list[int] = []

    async def take(delivery: Delivery) -> None:
        numbers.append(delivery.attempt)

    await put(works, QUICK, "numbered")
    await claimed_by_the_dead(works, monkeypatch)
    handlers = {"numbered": take}
    loop = OutboxLoop(works, handlers, site_of=site_of, on_failure=lambda *_: None)
    assert await loop.run_once() == 1
    assert numbers == [2]


async def test_what_was_given_up_is_listed_and_tried_again(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limen.db.outbox.MAX_ATTEMPTS", 1)
    receivers = Receivers()
    for tenant_id in (SLOW, QUICK):
        await put(works, tenant_id, "nobody takes this")
    await put(works, QUICK, "nor this", 2)
    await receivers.loop(works).run_once()
    await put(works, QUICK, "still due")

    async def given_up(work: Work) -> list[tuple[str, int, str]]:
        return [
            (each.kind, each.attempts, each.last_error) for each in await list_parked(work, most=9)
        ]

    async def one_kind(work: Work) -> int:
        return await retry_parked(work, kinds=["nor this", "unknown"])

    told: list[Event] = []

    async def listen(_: Work, event: Event) -> None:
        told.append(event)

    works.recorders = (listen,)
    taken = [("nor this", 1, "KeyError")] * 2
    parked = [("nobody takes this", 1, "KeyError")]
    assert sorted(await works.run(place(QUICK), given_up)) == parked + taken
    assert await works.run(place(QUICK), one_kind) == 2
    assert await works.run(place(QUICK), given_up) == parked
    assert await works.run(place(QUICK), retry_parked) == 1
    assert await works.run(place(QUICK), retry_parked) == 0
    assert told == [
        OutboxRetried(count=2, kinds=("nor this",)),
        OutboxRetried(count=1, kinds=("nobody takes this",)),
    ]
    assert await works.run(place(QUICK), given_up) == []
    assert await works.run(place(SLOW), given_up) == parked, "another tenant's stays as it is"
    await receivers.loop(works).run_once()
    assert sorted(await works.run(place(QUICK), given_up)) == [
        *parked,
        *taken,
        ("still due", 1, "KeyError"),
    ]
