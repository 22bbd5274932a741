"""Loops: what fails for one tenant, or in one task, is no other's trouble."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from limen.app import loops
from limen.app.background import Background, Task, for_each
from limen.db.work import Work, Works
from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.observe.metrics import render

pytestmark = pytest.mark.anyio
NAMES = ("a", "b", "c", "d")


TENANTS = [
    Site(tenant_id=name, slug=name, issuer=f"https://{name}.example", path="") for name in NAMES
]


def doing(seen: list[str], faults: dict[str, Exception]) -> Callable[[Site], Awaitable[int]]:
    async def do(tenant: Site) -> int:
        seen.append(tenant.tenant_id)
        if tenant.tenant_id in faults:
            raise faults[tenant.tenant_id]
        return 1

    return do


@pytest.mark.parametrize(
    "fault", [ValueError("of one"), Unavailable("database_busy")], ids=["unforeseen", "busy"]
)
async def test_what_fails_for_one_tenant_is_told_and_keeps_no_other_waiting(
    fault: Exception,
) -> None:
    seen: list[str] = []
    assert await for_each(TENANTS, doing(seen, {"b": fault}), task=f"test {fault!s}") == 3
    assert seen == list(NAMES)
    assert f'limen_background_failures_total{{task="test {fault!s}"}} 1.0' in render().decode()


async def test_a_database_that_is_gone_is_not_asked_for_each_tenant() -> None:
    seen: list[str] = []
    gone = {name: Unavailable("database_unavailable") for name in NAMES}
    with pytest.raises(Unavailable):
        await for_each(TENANTS, doing(seen, dict(gone)), task="test gone")
    assert seen == ["a", "b"]


async def test_a_database_that_is_gone_to_the_only_tenant_is_gone() -> None:
    with pytest.raises(Unavailable):
        await for_each(
            TENANTS[:1], doing([], {"a": Unavailable("database_unavailable")}), task="test only"
        )


def task(name: str, done: list[str], *, fails: bool = False, finish: bool = False) -> Task:
    async def turn() -> int:
        done.append(name)
        if fails:
            raise ValueError(name)
        return 1

    async def wait() -> None:
        done.append(f"{name} finished")

    return Task(name=name, every_seconds=3600.0, turn=turn, finish=wait if finish else None)


async def test_a_task_that_fails_ends_no_other_and_is_told_of_afterwards() -> None:
    done: list[str] = []
    tasks = [task("first", done, fails=True), task("second", done, finish=True)]
    with pytest.raises(ValueError, match="first"):
        await Background(tasks).run_once()
    assert done == ["first", "second", "second finished"]


async def test_what_a_turn_left_under_way_is_waited_for_before_the_end() -> None:
    done: list[str] = []
    background = Background([task("slow", done, fails=True, finish=True)])
    background.begin(worker=True)
    await background.end()
    assert done[-1] == "slow finished"


class Tenants:
    """A directory of these alone."""

    async def all(self) -> list[Site]:
        return TENANTS


async def test_a_sweep_that_fails_at_one_tenant_sweeps_the_others(works: Works) -> None:
    swept: list[str] = []

    async def sweep(work: Work) -> int:
        swept.append(work.tenant_id)
        if work.tenant_id == "a":
            raise ValueError("a row that nobody foresaw")
        return 1

    runtime: Any = SimpleNamespace(works=works, directory=Tenants())
    assert await loops._everywhere(runtime, sweep, "test sweep") == 0
    assert swept == list(NAMES)


async def test_last_uses_of_a_tenant_that_is_gone_lose_no_others(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []

    async def note(work: Work, *, uses: Mapping[str, object]) -> None:
        if work.tenant_id == "b":
            raise ValueError
        noted.append(f"{work.tenant_id} {next(iter(uses))}")

    monkeypatch.setattr(loops, "_USES", {"key": note})
    now = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    for tenant_id in ("gone", "a", "b", "c"):
        works.last_uses.note("key", tenant_id, "one", at=now)
    runtime: Any = SimpleNamespace(works=works, directory=Tenants())
    await loops._note_uses(runtime)
    assert noted == ["a one", "c one"]
