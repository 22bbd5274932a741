"""Who is leased next, of rows in memory."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from limen.db.fair.leases import Beside, FairLeases, Found, Key, Look, both
from limen.kernel.errors import Unavailable

pytestmark = pytest.mark.anyio
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Row:
    key: Key


class Rows:
    """What is due, in its order."""

    def __init__(self) -> None:
        self.due: list[Key] = []
        self.is_gone = False

    def add(self, tenant_id: str, count: int, *, kind: str = "webhook") -> None:
        added = len(self.due)
        self.due += [Key(tenant_id, kind, f"{added + number}") for number in range(count)]

    async def first(self, most: int) -> list[Row]:
        if self.is_gone:
            raise Unavailable("database_unavailable")
        first, self.due = self.due[:most], self.due[most:]
        return [Row(key) for key in first]

    async def look(self, beside: Beside, *, since: dt.datetime, rows: int, most: int) -> Look:
        found = [
            Found(key=key, due_at=NOON)
            for key in self.due
            if key.tenant_id not in beside.tenants
            and key.kind not in beside.kinds
            and both(key.tenant_id, key.kind) not in beside.boths
        ]
        return Look(found=found[:most], rows_read=len(self.due), read_to=NOON)

    async def claim(self, found: Sequence[Found]) -> list[Row]:
        keys = [each.key for each in found if each.key in self.due]
        self.due = [key for key in self.due if key not in keys]
        return [Row(key) for key in keys]


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are looked for each time."""
    monkeypatch.setattr("limen.db.fair.leases._LOOK_SECONDS", 0.0)


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def leases(rows: Rows) -> FairLeases[Row]:
    return FairLeases(rows, batch=20, together=20)


async def rounds(leases: FairLeases[Row], most: int = 12) -> Counter[str]:
    return Counter([row.key.tenant_id for _ in range(most) for row in await leases.next()])


@pytest.mark.parametrize("kinds", [("webhook",) * 4, ("a", "b", "c", "d")], ids=["one", "each"])
async def test_none_of_several_has_most_and_another_is_let_in_before_anything_ends(
    rows: Rows, leases: FairLeases[Row], kinds: Sequence[str]
) -> None:
    for name, kind in zip("abc", kinds, strict=False):
        rows.add(name, 6, kind=kind)
    rows.add("a", 2, kind=kinds[0])
    assert (await rounds(leases)).total() == 20
    for name, kind in zip("abc", kinds, strict=False):
        rows.add(name, 20, kind=kind)
    rows.add("d", 1, kind=kinds[3])
    assert (await rounds(leases, 30))["d"] == 1


async def test_what_was_leased_of_others_is_begun_though_the_rest_can_not_be_had(
    rows: Rows, leases: FairLeases[Row]
) -> None:
    rows.add("a", 40)
    slow = await leases.next()
    for row in slow[5:]:
        leases.leave(row.key)
    rows.add("b", 2)
    rows.is_gone = True
    others = await leases.next()
    assert [row.key.tenant_id for row in others] == ["b", "b"]
    with pytest.raises(Unavailable):
        await leases.next()
    rows.is_gone, rows.due = False, []
    for row in [*slow[:5], *others]:
        leases.leave(row.key)
    rows.add("c", 40)
    assert await rounds(leases) == {"c": 20}, "all places are there again"
