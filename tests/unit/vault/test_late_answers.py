"""What comes late, fails to be written or is tried again: no rotation is lost that was in hand."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limen.crypto.envelope import Envelope
from limen.crypto.kms import LocalKey, WrappingKeys
from limen.db.work import Work
from limen.kernel import failpoints
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, ProviderUnavailable, Unavailable
from limen.kernel.secret import Secret
from limen.vault.disconnect import disconnect
from limen.vault.refresh.claim import OWNER, Claimed, claim
from limen.vault.refresh.lease import new_leasing
from limen.vault.refresh.outcome import Moved
from limen.vault.refresh.recover import recover
from limen.vault.refresh.redeem import find_upstream, redeem
from limen.vault.refresh.turn import Turn
from limen.vault.store import journal
from limen.vault.store.connections import list_connections
from limen.vault.tables import refresh_intents, upstream_grants
from tests.simulated import ADA, GRACE, NOTION_ADA
from tests.unit.vault.test_every_vendor import register
from tests.vaults import Vault, make_parts

pytestmark = pytest.mark.anyio
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1, minutes=5)


class Died(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def harmless_afterwards() -> Iterator[None]:
    yield
    failpoints.disarm()


async def begun(vault: Vault, ada: Actor) -> Claimed:
    """A refresh whose refresher stands still before it sends, until its lease has run out."""
    (listed,) = await vault.run(lambda work: list_connections(work, owner_id=ada.id, most=1))
    grant = listed.grant
    upstream = await find_upstream(vault.parts, vault.house.site, provider=grant.provider)
    claimed = await vault.run(
        lambda work: claim(
            work,
            vault.parts,
            grant_id=grant.id,
            seen_generation=grant.generation,
            upstream=upstream,
        )
    )
    assert isinstance(claimed, Claimed)
    await change(vault, lease_until=None)
    return claimed


async def change(vault: Vault, **values: Any) -> None:
    """Change every grant behind the vault's back: the database's clock is nobody's to move."""
    names = {
        name: sa.bindparam(f"new_{name}", type_=upstream_grants.c[name].type) for name in values
    }
    statement = sa.update(upstream_grants).values(**names)
    told = {f"new_{name}": value for name, value in values.items()}

    async def body(work: Work) -> None:
        await work.execute(statement, **told)

    await vault.run(body)


async def arrive(vault: Vault, claimed: Claimed) -> object:
    """Go on: send, and have the answer."""
    endpoints = await claimed.upstream.provider.endpoints(
        vault.parts.net, now=vault.house.clock.now()
    )
    now = asyncio.get_running_loop().time()
    return await redeem(vault.parts, vault.house.site, claimed, endpoints=endpoints, begun=now)


async def at_notion(vault: Vault) -> tuple[Actor, str, Claimed]:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    return ada, connection_id, await begun(vault, ada)


async def is_well(vault: Vault, ada: Actor, connection_id: str, *, generation: int = 2) -> None:
    """The newest tokens are kept, and work on."""
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.generation) == ("active", generation)
    vault.house.clock.advance(dt.timedelta(minutes=10))
    released = await vault.token(ada, connection_id, seen_generation=generation)
    assert released.generation == generation + 1


async def test_f8_a_rotation_given_up_as_lost_that_comes_after_all_is_taken(vault: Vault) -> None:
    ada, connection_id, claimed = await at_notion(vault)
    vault.house.clock.advance(MINUTE)
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id, seen_generation=1)
    assert (await vault.shown(ada, connection_id)).reason == "lost_rotation"
    assert await arrive(vault, claimed) == Moved()
    assert len(vault.named("connection:grant:reinstated")) == 1
    await is_well(vault, ada, connection_id)


async def test_f8_it_is_taken_also_when_its_refresher_dies_with_it(vault: Vault) -> None:
    ada, connection_id, claimed = await at_notion(vault)
    vault.house.clock.advance(MINUTE)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 1
    assert (await vault.shown(ada, connection_id)).state == "uncertain"
    failpoints.arm(["vault.refresh.after_journal"], die)
    with pytest.raises(Died):
        await arrive(vault, claimed)
    await change(vault, lease_until=None)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 1
    await is_well(vault, ada, connection_id)


async def test_f5_an_answer_is_kept_while_another_holds_the_next_lease(vault: Vault) -> None:
    ada, connection_id, claimed = await at_notion(vault)
    await change(vault, next_refresh_at=vault.house.clock.now())
    (due,) = await vault.run(
        lambda work: journal.claim_due(work, batch=5, owner=OWNER, lease_seconds=30.0)
    )
    assert due.fence > claimed.held.grant.fence
    assert await arrive(vault, claimed) == Moved()
    # Whoever holds the next lease has nothing left to do, and does nothing.
    leasing = new_leasing(vault.parts)
    leasing.take(due.key)
    turn = Turn(vault.parts, site_of=vault.house.site_of, leasing=leasing)
    turn.begin([due], begun=asyncio.get_running_loop().time())
    await turn.finish()
    assert (await vault.simulated.seen("notion"))["calls"]["refresh"] == 1
    await is_well(vault, ada, connection_id)


async def test_f39_an_answer_for_what_is_erased_meanwhile_harms_nobody(vault: Vault) -> None:
    ada, connection_id, claimed = await at_notion(vault)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id)
    )
    assert await vault.outbox() == []
    assert await arrive(vault, claimed) == Moved()
    assert await recover(vault.parts, site_of=vault.house.site_of) == 0
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("notion")
    assert (seen["live_access_tokens"], seen["live_refresh_tokens"]) == ([], [])


async def test_f39_a_journal_of_what_is_erased_stops_nobody(vault: Vault) -> None:
    ada, connection_id, claimed = await at_notion(vault)
    failpoints.arm(["vault.refresh.after_journal"], die)
    with pytest.raises(Died):
        await arrive(vault, claimed)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id)
    )
    assert await vault.outbox() == []
    envelope = Envelope(WrappingKeys(LocalKey(Secret(bytes(range(32))))))  # remembers no key
    house = dataclasses.replace(vault.house, envelope=envelope)
    parts = make_parts(house, vault.simulated.base_url, vault.parts.net)
    assert await recover(parts, site_of=vault.house.site_of) == 1
    assert await recover(parts, site_of=vault.house.site_of) == 0


async def test_f42_a_row_that_does_not_open_keeps_no_other_waiting(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    damaged = await vault.connect(ada, account=ADA)
    whole = await vault.connect(grace, account=GRACE)
    vault.house.clock.advance(HOUR)
    claimed = await begun(vault, ada)
    failpoints.arm(["vault.refresh.after_journal"], die)
    with pytest.raises(Died):
        await arrive(vault, claimed)
    await change(vault, lease_until=None)

    async def damage(work: Work) -> None:
        await work.execute(sa.update(refresh_intents).values(sealed_response=b"damaged"))

    await vault.run(damage)
    assert await vault.loop() == 2
    assert (await vault.shown(grace, whole)).generation == 2
    shown = await vault.shown(ada, damaged)
    assert (shown.state, shown.generation) == ("active", 1)
    assert await vault.loop() == 0  # it is tried again, later


async def test_f13_a_refusal_that_comes_late_ends_nothing(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    vault.house.clock.advance(HOUR)
    claimed = await begun(vault, ada)
    assert (await vault.token(ada, connection_id)).generation == 2
    dead = {"kind": "error", "status": 400, "error": "invalid_grant"}
    await vault.simulated.order("google", faults={"refresh": [dead]})
    assert await arrive(vault, claimed) == Moved()
    await is_well(vault, ada, connection_id)


async def lost_at_linear(vault: Vault) -> tuple[Actor, str]:
    """An answer lost at a provider that takes the same refresh token again for a while."""
    await register(vault, "linear")
    ada = await vault.person()
    connection_id = await vault.connect(ada, "linear")
    vault.house.clock.advance(dt.timedelta(hours=25))
    await vault.simulated.order("linear", faults={"refresh": [{"kind": "drop"}]})
    await vault.loop()
    assert (await vault.shown(ada, connection_id)).state == "uncertain"
    return ada, connection_id


async def test_f8_the_loop_tries_again_within_the_grace(vault: Vault) -> None:
    ada, connection_id = await lost_at_linear(vault)
    assert await vault.loop() == 1
    await is_well(vault, ada, connection_id)


async def test_f8_a_second_try_that_was_not_made_or_not_answered_for_spends_no_grace(
    vault: Vault,
) -> None:
    ada, connection_id = await lost_at_linear(vault)
    await vault.simulated.order(
        "linear", faults={"refresh": [{"kind": "status"}, {"kind": "status", "status": 429}]}
    )
    for _ in range(2):
        await vault.loop()
        shown = await vault.shown(ada, connection_id)
        assert (shown.state, shown.generation) == ("uncertain", 1)
        await vault.end_pauses()
    assert await vault.loop() == 1
    await is_well(vault, ada, connection_id)


async def test_f8_a_second_loss_is_the_end(vault: Vault) -> None:
    ada, connection_id = await lost_at_linear(vault)
    await vault.simulated.order("linear", faults={"refresh": [{"kind": "drop"}]})
    assert await vault.loop() == 1
    assert await vault.loop() == 0
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id)
    (count,) = (await vault.simulated.seen("linear"))["redemptions"].values()
    assert count == {"presented": 2, "accepted": 2}


async def test_f6_an_answer_that_can_not_be_written_at_once_is_written(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    outage(monkeypatch, "journal_response", times=2)
    assert (await vault.token(ada, connection_id, seen_generation=1)).generation == 2
    await is_well(vault, ada, connection_id)


async def test_f6_an_answer_that_can_not_be_written_is_not_swallowed(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    monkeypatch.setattr("limen.vault.refresh.redeem._KEEP_PAUSE_SECONDS", 0.0)
    outage(monkeypatch, "journal_response", times=100)
    with pytest.raises(Unavailable):
        await vault.token(ada, connection_id, seen_generation=1)
    monkeypatch.undo()
    await change(vault, lease_until=None)
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id, seen_generation=1)
    (count,) = (await vault.simulated.seen("notion"))["redemptions"].values()
    assert count == {"presented": 1, "accepted": 1}  # the dead one is not replayed


@pytest.mark.parametrize("name", ["claim_grant", "add_intent"])
async def test_f7_a_store_that_can_not_be_written_spends_no_refresh_token(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    outage(monkeypatch, name, times=100)
    with pytest.raises(Unavailable):
        await vault.token(ada, connection_id, seen_generation=1)
    assert "refresh" not in (await vault.simulated.seen("notion"))["calls"]
    monkeypatch.undo()
    await is_well(vault, ada, connection_id, generation=1)


async def test_f9_what_was_rotated_is_there_for_the_next_process(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    for generation in (1, 2, 3):
        vault.house.clock.advance(MINUTE)
        another = vault.with_times(wait_seconds=30.0)
        released = await another.token(ada, connection_id, seen_generation=generation)
        assert released.generation == generation + 1
    counts = (await vault.simulated.seen("notion"))["redemptions"].values()
    assert [count["presented"] for count in counts] == [1, 1, 1]


async def test_f3_f4_workers_of_two_people_on_one_grant_make_one_call(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    held = [(who, await vault.connect(who, account=ADA)) for who in (ada, grace)]
    vault.house.clock.advance(HOUR)
    await vault.simulated.order("google", lies={"latency_seconds": 0.2})
    workers = [vault.with_times(wait_seconds=30.0) for _ in range(5)]
    released = await asyncio.gather(
        *(worker.token(who, id_) for worker in workers for who, id_ in held)
    )
    assert len({each.raw_access.reveal() for each in released}) == 1
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1


async def test_f22_an_end_outlives_the_work_that_found_it(vault: Vault) -> None:
    ada, connection_id, _ = await at_notion(vault)
    vault.house.clock.advance(MINUTE)
    with pytest.raises(Conflict):
        await vault.token(ada, connection_id, seen_generation=1)
    assert (await vault.shown(ada, connection_id)).state == "reauth_required"
    with pytest.raises(Conflict):
        await vault.token(ada, connection_id, seen_generation=1)
    assert len(vault.named("connection:grant:reauth_required")) == 1


async def test_f2_a_refresher_that_died_blocks_nobody_after_its_lease(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    vault.house.clock.advance(HOUR)
    failpoints.arm(["vault.refresh.after_claim"], die)
    with pytest.raises(Died):
        await vault.token(ada, connection_id)
    await change(vault, lease_until=None)
    assert (await vault.token(ada, connection_id)).generation == 2


async def test_f18_a_provider_that_is_away_during_a_second_try_changes_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, connection_id = await lost_at_linear(vault)

    async def away(*_: object, **__: object) -> None:
        raise ProviderUnavailable("provider_unreachable", sent=False)

    monkeypatch.setattr("limen.vault.refresh.redeem.call_as_client", away)
    assert await vault.loop() == 1
    monkeypatch.undo()
    assert (await vault.shown(ada, connection_id)).state == "uncertain"
    await vault.end_pauses()
    assert await vault.loop() == 1
    await is_well(vault, ada, connection_id)


def die() -> None:
    failpoints.disarm()
    raise Died


def outage(monkeypatch: pytest.MonkeyPatch, name: str, *, times: int) -> None:
    """Have one of the journal's writes fail so many times, as a database that is gone does."""
    works = getattr(journal, name)
    left = [times]

    async def fail(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise Unavailable("database_unavailable", "The database does not answer.")
        return await works(*args, **kwargs)

    monkeypatch.setattr(f"limen.vault.store.journal.{name}", fail)
