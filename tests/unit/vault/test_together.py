"""Many refreshes at once: of each is asked what is asked of one, and its trouble is its own."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limen.db.work import Work
from limen.federation.tables import upstream_clients
from limen.kernel import failpoints
from limen.kernel.actor import Actor
from limen.kernel.errors import ProviderUnavailable, Unavailable
from limen.kernel.site import ALL_TENANTS
from limen.vault.disconnect import disconnect
from limen.vault.refresh.apply import Journalled
from limen.vault.refresh.claim import OWNER, Claimed, prepare_together
from limen.vault.refresh.recover import recover
from limen.vault.refresh.redeem import ask, find_upstream
from limen.vault.refresh.together import Answers
from limen.vault.store import in_batches, journal
from limen.vault.store.in_batches import Sent
from limen.vault.tables import upstream_grants
from tests.simulated import NOTION_ADA, NOTION_GRACE
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
LATER = dt.timedelta(hours=2)
Held = tuple[Actor, str]


class Died(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def harmless_afterwards() -> Iterator[None]:
    yield
    failpoints.disarm()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers wait so long for each other that those of one round go together for sure."""
    monkeypatch.setattr("limen.vault.refresh.together._GATHER_SECONDS", 0.2)


async def two(vault: Vault) -> list[Held]:
    """Two people at a provider that rotates, both due."""
    held = []
    for account in (NOTION_ADA, NOTION_GRACE):
        person = await vault.person()
        held.append((person, await vault.connect(person, "notion", account=account)))
    await make_due(vault)
    return held


async def fleet(vault: Vault, size: int) -> list[Held]:
    """So many people at a provider that keeps its refresh tokens, all due."""
    accounts = [
        {"sub": f"sub-{number}", "email": f"p{number}@example.test", "name": "P"}
        for number in range(size)
    ]
    await vault.simulated.order("google", accounts=accounts)
    held = []
    for number in range(size):
        person = await vault.person()
        held.append((person, await vault.connect(person, account=f"sub-{number}")))
    await make_due(vault)
    return held


async def make_due(vault: Vault) -> None:
    vault.house.clock.advance(LATER)
    await change(vault, next_refresh_at=vault.house.clock.now())


async def change(vault: Vault, *where: Any, **values: Any) -> None:
    """Change grants behind the vault's back."""
    names = {
        name: sa.bindparam(f"new_{name}", type_=upstream_grants.c[name].type) for name in values
    }
    statement = sa.update(upstream_grants).where(*where).values(**names)

    async def body(work: Work) -> None:
        await work.execute(statement, **{f"new_{name}": value for name, value in values.items()})

    await vault.run(body)


async def generations(vault: Vault, held: list[Held]) -> list[int]:
    return [(await vault.shown(person, id_)).generation for person, id_ in held]


async def presented(vault: Vault) -> list[int]:
    seen = await vault.simulated.seen("notion")
    return sorted(count["presented"] for count in seen["redemptions"].values())


async def leased(vault: Vault) -> list[journal.Due]:
    return await vault.parts.works.run(
        ALL_TENANTS,
        lambda work: journal.claim_due(work, batch=9, owner=OWNER, lease_seconds=30.0),
    )


@pytest.mark.parametrize(
    ("point", "shown", "generation"),
    [
        ("in_claim", 0, 2),
        ("in_journal", 1, 1),
        ("after_journal", 1, 2),
        ("in_commit", 1, 2),
        ("after_commit", 1, 2),
    ],
)
async def test_f7_f8_what_dies_with_a_whole_batch_is_spent_once_at_most(
    vault: Vault, point: str, shown: int, generation: int
) -> None:
    held = await two(vault)
    failpoints.arm([f"vault.refresh.{point}"], die)
    with pytest.raises(Died):
        await vault.loop()
    assert await presented(vault) == [shown] * (2 * shown)
    await change(vault, lease_until=None)
    await vault.loop()
    assert await generations(vault, held) == [generation] * 2
    assert await presented(vault) == [1, 1]
    states = {(await vault.shown(person, id_)).state for person, id_ in held}
    assert states == {"active" if generation == 2 else "uncertain"}


@pytest.mark.parametrize("what", ["its lease", "its fence", "its generation", "no intent"])
async def test_f1_f5_an_intent_is_written_for_what_stands_as_it_was_leased(
    vault: Vault, what: str
) -> None:
    await two(vault)
    first, second = sorted((due.grant for due in await leased(vault)), key=lambda each: each.id)
    mine = upstream_grants.c.id == first.id
    match what:
        case "its lease":
            await change(vault, mine, lease_until=None)
        case "its fence":
            await change(vault, mine, fence=first.fence + 1)
        case "its generation":
            await change(vault, mine, generation=first.generation + 1)
        case _:
            await vault.run(
                lambda work: in_batches.add_intents(work, [Sent(first, b"of an earlier one")])
            )
    sent = [Sent(first, b"fingerprint"), Sent(second, b"fingerprint")]
    assert await vault.run(lambda work: in_batches.add_intents(work, sent)) == {second.id}


async def answered(vault: Vault) -> list[tuple[Claimed, Journalled]]:
    """What the provider answered for all that are due; nothing is made of it yet."""
    grants = [due.grant for due in await leased(vault)]
    site, parts = vault.house.site, vault.parts
    upstream = await find_upstream(parts, site, provider="notion")
    endpoints = await upstream.provider.endpoints(parts.net, now=vault.house.clock.now())
    claimed, apart = await vault.run(
        lambda work: prepare_together(work, parts, grants, upstream=upstream)
    )
    assert apart == []
    now = asyncio.get_running_loop().time()
    found = []
    for each in claimed:
        told = await ask(parts, site, each, endpoints=endpoints, begun=now)
        assert isinstance(told, Journalled)
        found.append((each, told))
    return found


async def settle(vault: Vault, found: list[tuple[Claimed, Journalled]]) -> None:
    answers = Answers(vault.parts, vault.house.site)
    await asyncio.gather(*(answers.settle(each, journalled=told) for each, told in found))


async def test_f39_one_that_ended_meanwhile_is_revoked_and_the_other_kept(vault: Vault) -> None:
    (ada, adas), (grace, graces) = await two(vault)
    found = await answered(vault)
    await vault.run(lambda work: disconnect(work, vault.parts, connection_id=adas, user_id=ada.id))
    await settle(vault, found)
    assert (await vault.shown(grace, graces)).generation == 2
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("notion")
    # What is left is the other's: her access token of before lives on by itself.
    assert (len(seen["live_access_tokens"]), len(seen["live_refresh_tokens"])) == (2, 1)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 0


async def test_f39_and_it_is_revoked_also_when_the_process_dies_before_it_is(
    vault: Vault,
) -> None:
    (ada, adas), _ = await two(vault)
    found = await answered(vault)
    await vault.run(lambda work: disconnect(work, vault.parts, connection_id=adas, user_id=ada.id))
    failpoints.arm(["vault.refresh.after_commit"], die)
    with pytest.raises(Died):
        await settle(vault, found)
    await change(vault, lease_until=None)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 1
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("notion")
    assert len(seen["live_refresh_tokens"]) == 1


async def test_f39_one_that_is_erased_meanwhile_harms_nobody(vault: Vault) -> None:
    (ada, adas), (grace, graces) = await two(vault)
    found = await answered(vault)
    await vault.run(lambda work: disconnect(work, vault.parts, connection_id=adas, user_id=ada.id))
    assert await vault.outbox() == []
    await settle(vault, found)
    assert (await vault.shown(grace, graces)).generation == 2
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("notion")
    assert len(seen["live_refresh_tokens"]) == 1


async def test_f13_one_that_moved_on_meanwhile_keeps_what_it_has(vault: Vault) -> None:
    held = await two(vault)
    found = await answered(vault)
    moved = found[0][0].held.grant
    await change(vault, upstream_grants.c.id == moved.id, generation=moved.generation + 5)
    await settle(vault, found)
    assert sorted(await generations(vault, held)) == [2, 6]
    assert await vault.run(lambda work: journal.intents_of(work, moved.id)) == []


async def test_f6_answers_that_can_not_be_written_at_once_are_written(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await two(vault)
    works, left = in_batches.journal_responses, [2]

    async def fail(*args: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise Unavailable("database_unavailable")
        return await works(*args)

    monkeypatch.setattr("limen.vault.store.in_batches.journal_responses", fail)
    assert await vault.loop() == 2
    assert left == [0]
    assert await generations(vault, held) == [2, 2]


@pytest.mark.parametrize("step", ["turn.prepare_together", "together.make_swap"])
async def test_what_fails_for_all_together_is_done_one_by_one(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    held = await two(vault)

    async def fault(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr(f"limen.vault.refresh.{step}", fault)
    assert await vault.loop() == 2
    assert await generations(vault, held) == [2, 2]
    assert await presented(vault) == [1, 1]


async def test_f42_a_token_that_does_not_open_keeps_no_other_waiting(vault: Vault) -> None:
    held = await two(vault)
    damaged = (await leased(vault))[0].grant.id
    await change(vault, lease_until=None)
    await change(vault, upstream_grants.c.id == damaged, sealed_refresh=b"damaged")
    assert await vault.loop() == 2
    assert sorted(await generations(vault, held)) == [1, 2]
    assert await vault.loop() == 0  # tried again later


async def test_after_an_incident_one_of_the_batch_asks(vault: Vault) -> None:
    held = await fleet(vault, 4)
    ill = sa.update(upstream_clients).values(incident="failures", incident_since=sa.bindparam("at"))

    async def open_incident(work: Work) -> None:
        await work.execute(ill, at=work.now)

    await vault.run(open_incident)
    assert await vault.loop() == 4
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1
    assert sorted(await generations(vault, held)) == [1, 1, 1, 2]
    assert len(vault.named("provider:client:recovered")) == 1


async def test_what_rests_is_due_when_it_has_rested(vault: Vault) -> None:
    """The claim reads by this moment: it would read all that rests each time."""
    held = await fleet(vault, 2)
    unknown = (await leased(vault))[0].grant.id
    await change(vault, upstream_grants.c.id == unknown, next_refresh_at=None)
    await change(vault, lease_until=None)
    await vault.simulated.order("google", faults={"refresh": [{"kind": "status"}] * 2})
    for person, connection_id in held:
        with contextlib.suppress(ProviderUnavailable):
            await vault.token(person, connection_id, seen_generation=1)
    when = sa.select(upstream_grants.c.next_refresh_at).order_by(upstream_grants.c.id == unknown)
    (moved, never) = (await vault.run(lambda work: work.execute(when))).all()
    assert never.next_refresh_at is None
    rest = moved.next_refresh_at - vault.house.clock.now()
    assert dt.timedelta(seconds=4) < rest <= dt.timedelta(seconds=5)


async def test_more_than_there_is_room_for_are_refreshed_in_one_turn(vault: Vault) -> None:
    held = await fleet(vault, 5)
    assert await vault.with_times(batch=2, together=2).loop() == 5
    assert await generations(vault, held) == [2] * 5


async def test_f2_a_slow_one_keeps_no_other_waiting(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await fleet(vault, 4)
    asked: list[str] = []

    async def note(parts: Any, site: Any, claimed: Claimed, **more: Any) -> Any:
        asked.append(claimed.held.grant.id)
        return await ask(parts, site, claimed, **more)

    monkeypatch.setattr("limen.vault.refresh.turn.ask", note)
    slow = {"kind": "slow", "seconds": 4.0}
    await vault.simulated.order("google", faults={"refresh": [slow]})
    assert await vault.with_times(batch=1, together=2, deadline_seconds=12.0).loop() == 4
    assert await generations(vault, held) == [2] * 4
    refreshed = [event.grant_id for event in vault.named("connection:token:refreshed")]
    assert refreshed == [*asked[1:], asked[0]]


async def test_f6_who_is_under_way_ends_well_when_no_more_can_be_leased(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await fleet(vault, 2)
    await vault.simulated.order("google", lies={"latency_seconds": 0.3})
    works, calls = journal.claim_due, [0]

    async def once(*args: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] > 1:
            raise Unavailable("database_unavailable")
        return await works(*args, **more)

    monkeypatch.setattr("limen.vault.store.journal.claim_due", once)
    with pytest.raises(Unavailable):
        await vault.with_times(batch=1, together=2).loop()
    assert sorted(await generations(vault, held)) == [1, 2]


def die() -> None:
    failpoints.disarm()
    raise Died
