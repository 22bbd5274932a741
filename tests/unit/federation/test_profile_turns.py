"""Profiles of many tenants: one that spoils its turn, or is slow, keeps no other waiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from limen.db.work import Work, Works
from limen.federation.profile import store
from limen.federation.profile.store import Record
from limen.federation.profile.synchronise import Synchroniser
from limen.kernel.site import Site
from limen.observe.metrics import render
from tests.patience import until

pytestmark = pytest.mark.anyio
BIG, SMALL = [
    Site(tenant_id=name, slug=name, issuer=f"https://{name}.example", path="")
    for name in ("bigtenantx", "smalltenan")
]


class Profiles:
    """So many are due of each tenant; asked for by what the test says."""

    def __init__(self, patch: pytest.MonkeyPatch, works: Works, due: dict[str, int]) -> None:
        self.due = Counter(due)
        self.go_on = asyncio.Event()
        self.asked: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        parts: Any = SimpleNamespace(works=works)
        self.synchroniser = Synchroniser(parts, token_of=None)  # type: ignore[arg-type]  # unused
        patch.setattr(store, "claim_due", self.claim)
        patch.setattr(self.synchroniser, "_ask", self.ask)

    async def claim(self, work: Work, *, batch: int, **_: Any) -> list[Record]:
        count = min(batch, self.due[work.tenant_id])
        self.due[work.tenant_id] -= count
        nothing: dict[str, Any] = dict.fromkeys(Record.__dataclass_fields__)
        return [Record(**{**nothing, "subject": str(each)}) for each in range(count)]

    async def ask(self, site: Site, record: Record) -> None:
        self.asked[site.tenant_id] += 1
        if site == BIG:
            await self.go_on.wait()
        if record.subject == "0":
            raise ValueError("of one")
        self.done[site.tenant_id] += 1


def failures() -> float:
    name = 'limen_background_failures_total{task="profiles"}'
    told = dict(line.rsplit(" ", 1) for line in render().decode().splitlines())
    return float(told.get(name, 0.0))


async def test_what_fails_for_one_person_is_counted_and_the_others_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, works: Works
) -> None:
    profiles, before = Profiles(monkeypatch, works, {SMALL.tenant_id: 4}), failures()
    assert await profiles.synchroniser.begin(SMALL) == 4
    await profiles.synchroniser.finish()
    assert profiles.done[SMALL.tenant_id] == 3
    assert failures() == before + 1
    # What failed has left its place.
    profiles.due[SMALL.tenant_id] = 50
    assert await profiles.synchroniser.begin(SMALL) == 10


async def test_a_tenant_whose_provider_hangs_leaves_room_for_another(
    monkeypatch: pytest.MonkeyPatch, works: Works
) -> None:
    profiles = Profiles(monkeypatch, works, {BIG.tenant_id: 50, SMALL.tenant_id: 3})
    synchroniser = profiles.synchroniser
    begun = [await synchroniser.begin(site) for site in (BIG, BIG, SMALL)]
    assert begun == [10, 0, 3]
    await until(lambda: _is(profiles.done[SMALL.tenant_id] == 2))
    assert profiles.done[BIG.tenant_id] == 0
    profiles.go_on.set()
    await synchroniser.finish()
    assert profiles.done[BIG.tenant_id] == 9


async def _is(fact: bool) -> bool:
    return fact
