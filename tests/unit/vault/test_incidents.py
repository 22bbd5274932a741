"""Failures that are everybody's are nobody's: incidents, rates, reports of refused tokens."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
import sqlalchemy as sa

from limen.db.work import Work
from limen.federation.health import incidents
from limen.federation.health.incidents import note_client_works, note_refresh_failed
from limen.federation.tables import upstream_clients
from limen.kernel.actor import Actor
from limen.kernel.errors import NotFound, ProviderUnavailable
from limen.vault.release.report import Reported, report
from limen.vault.token_for import Wanted
from tests.simulated import ADA, NOTION_ADA
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
HOUR = dt.timedelta(hours=1, minutes=5)
DEAD = {"kind": "error", "status": 400, "error": "invalid_grant"}


async def fleet(vault: Vault, size: int) -> list[tuple[Actor, str]]:
    accounts = [
        {"sub": f"sub-{number}", "email": f"p{number}@example.test", "name": "P"}
        for number in range(size)
    ]
    await vault.simulated.order("google", accounts=accounts)
    people = []
    for number in range(size):
        person = await vault.person()
        people.append((person, await vault.connect(person, account=f"sub-{number}")))
    return people


async def states(vault: Vault, people: list[tuple[Actor, str]]) -> set[str]:
    return {(await vault.shown(person, id_)).state for person, id_ in people}


async def test_f19_a_burst_of_refusals_is_one_incident_and_ends_no_connection(
    vault: Vault,
) -> None:
    people = await fleet(vault, 7)
    vault.house.clock.advance(HOUR)
    await vault.simulated.order("google", faults={"refresh": [DEAD] * 20})
    await vault.loop()
    assert await states(vault, people) == {"active"}
    assert [event.reason for event in vault.named("provider:client:failing")] == [
        incidents.REFUSALS
    ]
    ended = {event.grant_id for event in vault.named("connection:grant:reauth_required")}
    assert ended == {event.grant_id for event in vault.named("connection:grant:reinstated")}
    asked = (await vault.simulated.seen("google"))["calls"]["refresh"]
    await vault.loop()  # nobody is asked during the pause
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == asked
    await vault.simulated.order("google", faults={})
    await vault.end_pauses()
    await vault.loop()
    await vault.end_pauses()
    await vault.loop()
    generations = [(await vault.token(person, id_)).generation for person, id_ in people]
    assert generations == [2] * 7
    assert len(vault.named("provider:client:recovered")) == 1


async def test_f19_a_burst_of_errors_is_one_incident(vault: Vault) -> None:
    people = await fleet(vault, 6)
    vault.house.clock.advance(HOUR)
    await vault.simulated.order("google", faults={"refresh": [{"kind": "status"}] * 20})
    await vault.loop()
    assert await states(vault, people) == {"active"}
    assert [event.reason for event in vault.named("provider:client:failing")] == [
        incidents.FAILURES
    ]


async def test_one_that_fails_again_and_again_is_told_of_once(vault: Vault) -> None:
    [(ada, connection_id)] = await fleet(vault, 1)
    vault.house.clock.advance(HOUR)
    for failures, told in ((2, 0), (1, 1), (1, 1)):
        await vault.simulated.order("google", faults={"refresh": [{"kind": "status"}] * failures})
        for _ in range(failures):
            await vault.loop()
            await vault.end_pauses()
        assert len(vault.named("connection:grant:failing")) == told
    assert (await vault.shown(ada, connection_id)).state == "active"
    await vault.loop()
    assert len(vault.named("connection:token:refreshed")) == 1


async def test_f19_one_who_is_refused_alone_is_believed(vault: Vault) -> None:
    people = await fleet(vault, 3)
    await vault.simulated.order("google", revoke_grants=["sub-1"])
    vault.house.clock.advance(HOUR)
    await vault.loop()
    shown = [(await vault.shown(person, id_)).state for person, id_ in people]
    assert shown == ["active", "reauth_required", "active"]
    assert vault.named("provider:client:failing") == []


async def test_during_an_incident_one_asks_and_the_others_wait(vault: Vault) -> None:
    people = await fleet(vault, 6)
    vault.house.clock.advance(HOUR)
    await vault.simulated.order("google", faults={"refresh": [DEAD] * 40})
    await vault.loop()
    before = (await vault.simulated.seen("google"))["calls"]["refresh"]
    await vault.end_pauses()
    await asyncio.gather(
        *(vault.token(person, id_) for person, id_ in people), return_exceptions=True
    )
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == before + 1
    assert await states(vault, people) == {"active"}
    assert len(vault.named("provider:client:failing")) == 1


async def test_a_provider_that_refuses_for_hours_is_believed(vault: Vault) -> None:
    async def fail(grant_id: str) -> bool:
        judged = await vault.run(
            lambda work: note_refresh_failed(work, provider="google", grant_id=grant_id, ends=True)
        )
        return judged.believed

    assert [await fail(grant) for grant in "abcdef"] == [True] * 4 + [False] * 2
    vault.house.clock.advance(dt.timedelta(hours=6))
    assert await fail("g")
    await vault.run(lambda work: note_client_works(work, provider="google"))
    assert await fail("h")


async def test_a_success_in_between_makes_failures_nobody_elses(vault: Vault) -> None:
    for grant in "abcdefgh":
        judged = await vault.run(
            lambda work, grant=grant: note_refresh_failed(  # type: ignore[misc]  # bound now
                work, provider="google", grant_id=grant, ends=True
            )
        )
        assert judged.believed
        await vault.run(lambda work: note_client_works(work, provider="google"))
    assert vault.named("provider:client:failing") == []


async def test_f20_a_refused_client_is_told_once_and_is_over_when_it_works(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(HOUR)
    fault = {"kind": "error", "status": 401, "error": "invalid_client"}
    await vault.simulated.order("google", faults={"refresh": [fault] * 2})
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await vault.token(ada, connection_id)
        await vault.end_pauses()
    assert len(vault.named("provider:client:failing")) == 1
    assert (await vault.token(ada, connection_id)).generation == 2
    assert [event.reason for event in vault.named("provider:client:recovered")] == [
        "invalid_client"
    ]


async def test_f15_no_more_refreshes_a_second_than_the_operator_set(vault: Vault) -> None:
    await fleet(vault, 6)
    limited = sa.update(upstream_clients).values(
        config=sa.bindparam("told", type_=upstream_clients.c.config.type)
    )

    async def limit(work: Work) -> None:
        await work.execute(limited, told={"refreshes_per_second": 1})

    await vault.run(limit)
    vault.house.clock.advance(HOUR)
    await vault.loop()
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 2
    vault.house.clock.advance(dt.timedelta(seconds=1))
    await vault.end_pauses()
    await vault.loop()
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] in {3, 4}


async def test_f16_what_one_connection_is_told_holds_for_all_of_the_client(vault: Vault) -> None:
    people = await fleet(vault, 3)
    vault.house.clock.advance(HOUR)
    fault = {"kind": "status", "status": 429, "retry_after": 600}
    await vault.simulated.order("google", faults={"refresh": [fault]})
    for person, id_ in people:
        with pytest.raises(ProviderUnavailable):
            await vault.token(person, id_)
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1
    assert await states(vault, people) == {"active"}
    assert vault.named("provider:client:failing") == []


async def tell(
    vault: Vault, actor: Actor, id_: str, generation: int, status: int = 401
) -> Reported:
    wanted = Wanted(connection_id=id_, user_id=actor.id, reader="", seen_generation=generation)
    return await vault.run(
        lambda work: report(work, vault.parts, wanted=wanted, status=status), actor=actor
    )


async def test_f12_of_many_who_report_a_token_one_has_it_refreshed(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(dt.timedelta(minutes=1))
    await vault.simulated.order("notion", lies={"refresh_kills_access": True})
    told = await asyncio.gather(*(tell(vault, ada, connection_id, 1) for _ in range(5)))
    assert set(told) == {Reported(advice="use_newer", generation=2)}
    # So late that the one of generation 2 could be refused too: it is not, and is not burnt.
    assert await tell(vault, ada, connection_id, 1) == Reported(advice="use_newer", generation=2)
    assert await tell(vault, ada, connection_id, 2) == Reported(advice="wait", generation=2)
    assert await tell(vault, ada, connection_id, 99) == Reported(advice="wait", generation=2)
    assert (await vault.simulated.seen("notion"))["calls"]["refresh"] == 1


async def test_f12_a_missing_scope_is_no_reason_to_refresh(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    vault.house.clock.advance(dt.timedelta(minutes=1))
    told = await tell(vault, ada, connection_id, 1, status=403)
    assert told == Reported(advice="check_features", generation=1)
    assert "refresh" not in (await vault.simulated.seen("google"))["calls"]


async def test_nobody_reports_for_somebody_else(vault: Vault) -> None:
    ada, mallory = await vault.person(), await vault.person()
    connection_id = await vault.connect(ada)
    with pytest.raises(NotFound, match="connection_not_found"):
        await tell(vault, mallory, connection_id, 1)
    assert vault.named("connection:token:released") == []
