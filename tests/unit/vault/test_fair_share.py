"""Whoever has most due, or is slowest, leaves room in the loop for the others."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from limen.db.fair.leases import Beside, Found
from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.kernel.site import ALL_TENANTS, Site
from limen.vault.refresh.lease import Leasing, new_leasing
from limen.vault.refresh.loop import RefreshLoop
from limen.vault.store import due, journal
from limen.vault.store.journal import Due
from limen.vault.tables import upstream_grants
from tests.patience import until
from tests.simulated import NOTION_ADA
from tests.unit.vault.test_together import change, fleet, generations
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
BIG, SMALL = "bigtenantx", "smalltenan"
SECOND, MOMENT = dt.timedelta(seconds=1), dt.timedelta(milliseconds=1)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_ADD = sa.insert(upstream_grants)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are looked for without much waiting."""
    monkeypatch.setattr("limen.db.fair.leases._LOOK_SECONDS", 0.02)


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limen.db.fair.leases._ROWS", 5)


@pytest.fixture
def leasing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Leasing:
    """Eight of one client at once, half as many places again for others, looked for each time."""
    monkeypatch.setattr("limen.db.fair.leases._LOOK_SECONDS", 0.0)
    return new_leasing(vault.with_times(batch=8, together=8).parts)


async def add_due(
    vault: Vault,
    tenant_id: str,
    count: int,
    *,
    provider: str = "google",
    ago: int = 0,
    apart: dt.timedelta = MOMENT,
) -> None:
    """Rows that are due since so many seconds; nothing of them is ever opened."""
    now = vault.house.clock.now()
    site = Site(tenant_id=tenant_id, slug=tenant_id, issuer="http://x.example", path="")

    async def add(work: Work) -> None:
        for number in range(count):
            await work.execute(
                _ADD,
                id=f"{provider}{number}",
                provider=provider,
                upstream_client_id="client",
                issuer="issuer",
                subject=str(number),
                live_subject=str(number),
                state="active",
                generation=1,
                granted_scopes=[],
                requested_at=now,
                jitter_permille=0,
                next_refresh_at=now - ago * SECOND - number * apart,
                fence=0,
                created_at=now,
                updated_at=now,
            )

    await vault.parts.works.run(site, add)


@pytest.fixture
def google(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Google answers while this is set."""
    answers, net = asyncio.Event(), vault.parts.net
    answers.set()
    fetch = net.fetch

    async def held(method: str, url: str, **more: Any) -> Any:
        if "/google/" in url:
            await answers.wait()
        return await fetch(method, url, **more)

    monkeypatch.setattr(net, "fetch", held)
    return answers


def whose(leased: list[Due]) -> Counter[tuple[str, str]]:
    return Counter((each.tenant_id, each.grant.provider) for each in leased)


async def rounds(leasing: Leasing, most: int) -> list[Due]:
    found: list[Due] = []
    for _ in range(most):
        found += await leasing.next()
    return found


async def test_whoever_is_alone_gets_all_that_one_may_have(vault: Vault, leasing: Leasing) -> None:
    await add_due(vault, BIG, 30)
    assert whose(await rounds(leasing, 6)) == {(BIG, "google"): 8}


@pytest.mark.parametrize(
    ("tenant_id", "provider"),
    [(SMALL, "google"), (SMALL, "notion"), (BIG, "notion")],
    ids=["another tenant", "another tenant elsewhere", "the same tenant elsewhere"],
)
async def test_others_are_let_in_before_anything_of_the_first_ends(
    vault: Vault, leasing: Leasing, tenant_id: str, provider: str
) -> None:
    await add_due(vault, BIG, 30, ago=60)
    await add_due(vault, tenant_id, 1, provider=provider)
    found = whose(await rounds(leasing, 6))
    assert found == {(BIG, "google"): 8, (tenant_id, provider): 1}


async def test_who_is_quick_and_never_done_keeps_nobody_waiting(
    vault: Vault, leasing: Leasing
) -> None:
    await add_due(vault, BIG, 60, ago=60)
    await add_due(vault, SMALL, 2)
    found: list[Due] = []
    for _ in range(4):
        leased = await leasing.next()
        for each in leased:
            leasing.leave(each.key)
            if each is leased[0]:  # one is always under way
                leasing.take(each.key)
        found += leased
    assert whose(found)[SMALL, "google"] == 2
    assert len(found) < 60


@pytest.mark.parametrize("apart", [MOMENT, 0 * SECOND], ids=["apart", "in one moment"])
@pytest.mark.usefixtures("few_rows")
async def test_one_look_reads_few_rows_and_the_next_goes_on(
    vault: Vault, leasing: Leasing, monkeypatch: pytest.MonkeyPatch, apart: dt.timedelta
) -> None:
    await add_due(vault, BIG, 40, ago=60, apart=apart)
    await add_due(vault, SMALL, 1)
    read: list[int] = []
    look = due.look_beside

    async def noted(*args: Any, **more: Any) -> Any:
        seen = await look(*args, **more)
        read.append(seen.rows_read)
        return seen

    monkeypatch.setattr("limen.vault.store.due.look_beside", noted)
    found = await rounds(leasing, 40)
    assert whose(found)[SMALL, "google"] == 1
    assert max(read) <= (5 if apart else 40)


async def test_what_others_have_leased_meanwhile_is_not_leased_again(vault: Vault) -> None:
    await add_due(vault, BIG, 2)

    async def both(work: Work) -> tuple[list[Found], list[Due], list[Due]]:
        seen = await due.look_beside(work, Beside(), since=LONG_AGO, rows=9, most=9)
        first = await journal.claim_due(work, batch=1, owner="other", lease_seconds=30.0)
        second = await due.claim_found(work, seen.found, owner="us", lease_seconds=30.0)
        return list(seen.found), first, second

    found, first, second = await vault.parts.works.run(ALL_TENANTS, both)
    assert len(found) == 2
    assert {each.grant.id for each in [*first, *second]} == {each.key.id for each in found}
    assert len(second) == 1


async def test_places_of_what_could_not_be_leased_are_given_back(
    vault: Vault, leasing: Leasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_due(vault, BIG, 20, ago=60)
    await add_due(vault, SMALL, 2, provider="notion")
    claim = due.claim_found

    async def late(*_: Any, **__: Any) -> list[Due]:
        return []

    monkeypatch.setattr("limen.vault.store.due.claim_found", late)
    assert whose(await rounds(leasing, 9)) == {(BIG, "google"): 8}
    monkeypatch.setattr("limen.vault.store.due.claim_found", claim)
    assert whose(await rounds(leasing, 9)) == {(SMALL, "notion"): 2}


async def test_f2_a_slow_provider_leaves_room_for_another(
    vault: Vault, google: asyncio.Event
) -> None:
    held = await fleet(vault, 9)
    ada = await vault.person()
    notion = (ada, await vault.connect(ada, "notion", account=NOTION_ADA))
    await change(vault, next_refresh_at=vault.house.clock.now())
    is_google = upstream_grants.c.provider == "google"
    await change(vault, is_google, next_refresh_at=vault.house.clock.now() - SECOND)
    google.clear()
    loop = asyncio.create_task(vault.with_times(batch=8, together=8).loop())
    await until(lambda: _is(vault, notion, generation=2))
    assert await generations(vault, held) == [1] * 9
    google.set()
    assert await loop == 10
    assert await generations(vault, held) == [2] * 9


async def test_a_turn_waits_for_nobody_who_is_slow(vault: Vault, google: asyncio.Event) -> None:
    held = await fleet(vault, 1)
    google.clear()
    loop = RefreshLoop(vault.parts, site_of=vault.house.site_of)
    assert await loop.turn() == 1
    assert await generations(vault, held) == [1]
    ada = await vault.person()
    notion = (ada, await vault.connect(ada, "notion", account=NOTION_ADA))
    await change(
        vault, upstream_grants.c.provider == "notion", next_refresh_at=vault.house.clock.now()
    )
    assert await loop.turn() == 1
    await until(lambda: _is(vault, notion, generation=2))
    assert await generations(vault, held) == [1]
    google.set()
    await loop.finish()
    assert await generations(vault, held) == [2]


async def _is(vault: Vault, held: Any, *, generation: int) -> bool:
    return await generations(vault, [held]) == [generation]


async def test_a_tenant_that_can_not_be_found_ends_nobodys_turn(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await fleet(vault, 2)
    await add_due(vault, BIG, 3, ago=7200)

    async def abandoned(*_: object, **__: object) -> list[tuple[str, str]]:
        return [(BIG, "google0")]

    monkeypatch.setattr("limen.vault.store.journal.abandoned", abandoned)

    async def site_of(tenant_id: str) -> Site:
        if tenant_id == BIG:
            raise NotFound("unknown_tenant")
        return await vault.house.site_of(tenant_id)

    parts = vault.with_times(batch=3, together=3).parts
    assert await RefreshLoop(parts, site_of=site_of).run_once() == 5
    assert await generations(vault, held) == [2, 2]
