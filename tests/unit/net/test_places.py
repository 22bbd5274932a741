"""What calls have in common: no tenant and no host takes all of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from limen.kernel.errors import ProviderUnavailable
from limen.kernel.shares import Holder
from limen.kernel.site import Site, take_turn
from limen.net import Net
from limen.net.doors import read_way
from limen.net.look_up import LookUps
from limen.net.places import Places
from limen.settings.sections import NetSettings
from tests.patience import SECONDS, until
from tests.unit.net.servers import answer, listening

pytestmark = pytest.mark.anyio
ADA, GRACE = Holder("ada", 1), Holder("grace", 1)
BIG, SMALL = [
    Site(tenant_id=name, slug=name, issuer=f"https://{name}.example", path="")
    for name in ("bigtenantx", "smalltenan")
]


class Visitors:
    """Come in as there is room, and stay until they are told to go."""

    def __init__(self, count: int) -> None:
        self.places = Places(count)
        self.inside: list[str] = []
        self.tasks: list[tuple[str, asyncio.Task[None]]] = []
        self.gone: dict[asyncio.Task[None], asyncio.Event] = {}

    def come(self, holder: Holder, count: int) -> None:
        for _ in range(count):
            go = asyncio.Event()
            task = asyncio.create_task(self._visit(holder, go))
            self.tasks.append((holder.name, task))
            self.gone[task] = go

    async def _visit(self, holder: Holder, go: asyncio.Event) -> None:
        async with self.places.place(holder):
            self.inside.append(holder.name)
            await go.wait()
            self.inside.remove(holder.name)

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def send_away(self, name: str) -> None:
        task = next(t for n, t in self.tasks if n == name and not self.gone[t].is_set())
        self.gone[task].set()
        await self.settle()


async def test_who_comes_first_leaves_room_and_those_who_wait_come_in_turns() -> None:
    visitors = Visitors(6)
    visitors.come(ADA, 9)
    await visitors.settle()
    assert visitors.inside == ["ada"] * 3
    visitors.come(GRACE, 9)
    await visitors.settle()
    assert sorted(visitors.inside) == ["ada"] * 3 + ["grace"]
    for _ in range(2):  # what Ada leaves goes to who has less
        await visitors.send_away("ada")
    assert sorted(visitors.inside) == ["ada"] * 2 + ["grace"] * 2
    for go in visitors.gone.values():
        go.set()
    await asyncio.gather(*(task for _, task in visitors.tasks))
    assert visitors.inside == []


async def test_of_those_who_may_have_as_much_whoever_was_let_in_is_the_last_to_be_again() -> None:
    visitors = Visitors(6)
    visitors.come(Holder("ada", 9), 9)
    visitors.come(Holder("grace", 9), 9)
    await visitors.settle()
    assert sorted(visitors.inside) == ["ada"] * 5 + ["grace"]
    for _ in range(2):
        await visitors.send_away("ada")
    assert sorted(visitors.inside) == ["ada"] * 4 + ["grace"], "Ada waited first"
    await visitors.send_away("ada")
    assert sorted(visitors.inside) == ["ada"] * 3 + ["grace"] * 2
    for go in visitors.gone.values():
        go.set()
    await asyncio.gather(*(task for _, task in visitors.tasks))


async def test_who_gives_up_waiting_takes_no_place_along() -> None:
    visitors = Visitors(2)
    visitors.come(ADA, 3)
    await visitors.settle()
    assert visitors.inside == ["ada"]
    for _, task in visitors.tasks[1:]:
        task.cancel()
    await visitors.settle()
    visitors.come(ADA, 1)
    await visitors.send_away("ada")
    assert visitors.inside == ["ada"]
    await visitors.send_away("ada")
    visitors.gone[visitors.tasks[-1][1]].set()
    await visitors.settle()
    assert visitors.inside == []


async def test_a_place_given_to_who_gives_up_in_that_moment_goes_on_to_the_next() -> None:
    visitors, go = Visitors(2), asyncio.Event()

    async def leave_and_call_off() -> None:
        async with visitors.places.place(ADA):
            await go.wait()
        visitors.tasks[0][1].cancel()  # its place is this one's, who does not know it yet

    first = asyncio.create_task(leave_and_call_off())
    await visitors.settle()
    visitors.come(ADA, 2)
    await visitors.settle()
    go.set()
    await first
    await visitors.settle()
    assert visitors.inside == ["ada"]
    assert visitors.tasks[0][1].cancelled()
    visitors.gone[visitors.tasks[1][1]].set()
    await visitors.tasks[1][1]


class Threads:
    """A system's name server that answers nothing to some until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.hanging: list[str] = []
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, port: int, **_: Any) -> Any:
        self.asked.append(host)
        if host.startswith("hangs"):
            self.hanging.append(host)
            self.let_go.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[Threads]:
    threads = Threads()
    monkeypatch.setattr("limen.net.look_up.socket.getaddrinfo", threads.getaddrinfo)
    yield threads
    threads.let_go.set()


@pytest.fixture
async def look_ups() -> AsyncIterator[LookUps]:
    made = LookUps()
    yield made
    await made.close()


async def test_names_that_hang_take_no_other_tenants_threads(
    system: Threads, look_ups: LookUps
) -> None:
    take_turn(BIG)
    hanging = [
        asyncio.create_task(look_ups.getaddrinfo(f"hangs{number}.example", 443))
        for number in range(60)
    ]
    await until(lambda: _is(len(system.hanging) == 16))
    for task in hanging:  # whoever asked gives up; the thread does not
        task.cancel()
    take_turn(SMALL)
    assert await look_ups.getaddrinfo("quick.example", 443)
    assert len(system.hanging) == 16


async def test_names_that_nobody_asks_for_any_more_wait_for_no_thread(
    system: Threads, look_ups: LookUps
) -> None:
    take_turn(BIG)
    hanging = [
        asyncio.create_task(look_ups.getaddrinfo(f"hangs{number}.example", 443))
        for number in range(60)
    ]
    await until(lambda: _is(len(system.hanging) == 16))
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    assert len(look_ups._under_way) == 16
    again = asyncio.create_task(look_ups.getaddrinfo("hangs59.example", 443))
    await asyncio.sleep(0)
    system.let_go.set()
    assert await again
    assert len(system.asked) == 17


async def test_a_name_that_waits_for_its_tenants_places_keeps_no_other_tenant_waiting(
    system: Threads, look_ups: LookUps
) -> None:
    take_turn(BIG)
    waiting = [
        asyncio.create_task(look_ups.getaddrinfo(name, 443))
        for name in (*(f"hangs{number}.example" for number in range(16)), "shared.example")
    ]
    await until(lambda: _is(len(system.hanging) == 16))
    take_turn(SMALL)
    assert await asyncio.wait_for(look_ups.getaddrinfo("shared.example", 443), SECONDS)
    assert not waiting[-1].done()
    system.let_go.set()
    await asyncio.gather(*waiting)


async def test_a_name_is_asked_for_once_at_a_time_and_never_remembered(
    system: Threads, look_ups: LookUps
) -> None:
    five = [asyncio.create_task(look_ups.getaddrinfo("hangs.example", 443)) for _ in range(5)]
    await until(lambda: _is(len(system.hanging) == 1))
    five[0].cancel()
    system.let_go.set()
    assert len(await asyncio.gather(*five[1:])) == 4
    assert system.asked == ["hangs.example"]
    await look_ups.getaddrinfo("hangs.example", 443)
    assert len(system.asked) == 2


async def test_a_tenant_that_names_many_hosts_leaves_room_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("limen.net.client.PLACES", 3)
    net = Net(NetSettings())

    async def call(host: str) -> None:
        async with net.place(read_way(f"https://{host}.example/")):
            inside.append(host)
            await over.wait()

    inside: list[str] = []
    over = asyncio.Event()
    take_turn(BIG)
    big = [asyncio.create_task(call(host)) for host in ("a", "b", "c")]
    await until(lambda: _is(inside == ["a", "b"]))
    take_turn(SMALL)
    small = asyncio.create_task(call("d"))
    await until(lambda: _is(inside == ["a", "b", "d"]))
    over.set()
    await asyncio.gather(*big, small)


async def test_calls_that_hang_leave_room_for_another_tenants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("limen.net.client.PLACES", 3)
    never = asyncio.Event()

    async def hang(*_: Any) -> None:
        await never.wait()

    net = Net(NetSettings.model_validate({"allow": ("127.0.0.0/8", "localhost")}))
    async with listening(hang) as slow, listening(answer()) as quick:
        take_turn(BIG)
        first = asyncio.create_task(net.fetch("GET", slow.url, deadline_seconds=60))
        await until(lambda: _is(bool(slow.requests)))
        with pytest.raises(ProviderUnavailable) as refused:
            await net.fetch("GET", slow.url, deadline_seconds=0.05)
        assert (refused.value.code, refused.value.sent) == ("provider_unreachable", False)
        take_turn(SMALL)
        assert (await net.fetch("GET", f"http://localhost:{quick.port}/")).status == 200
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        take_turn(BIG)
        again = await net.fetch("GET", f"{quick.url}/")  # the place was given back
        assert again.status == 200
    await net.close()


async def _is(fact: bool) -> bool:
    return fact
