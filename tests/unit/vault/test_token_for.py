"""Getting a token: fresh, or made fresh by exactly one call."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from typing import Any

import pytest

from limen.kernel.actor import SYSTEM
from limen.kernel.errors import Conflict, NotFound, ProviderUnavailable
from limen.vault.disconnect import disconnect
from tests.patience import until
from tests.simulated import ADA, NOTION_ADA
from tests.statements_seen import StatementsSeen
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
HOUR = dt.timedelta(hours=1, minutes=5)
MINUTE = dt.timedelta(minutes=1)


async def redemptions(vault: Vault, provider: str) -> list[tuple[int, int]]:
    seen = await vault.simulated.seen(provider)
    return [(count["presented"], count["accepted"]) for count in seen["redemptions"].values()]


async def test_f14_a_fresh_token_asks_nobody(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    first = await vault.token(ada, connection_id)
    second = await vault.token(ada, connection_id)
    assert first.raw_access == second.raw_access
    assert await redemptions(vault, "google") == []


async def test_a_fresh_token_takes_one_statement(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    await vault.token(ada, connection_id)
    statements = StatementsSeen(monkeypatch)
    await vault.token(ada, connection_id)
    assert statements.seen == ["SELECT connections"]


async def test_f11_an_expired_token_is_refreshed_once_and_the_refresh_token_kept(
    vault: Vault,
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    before = await vault.token(ada, connection_id)
    vault.house.clock.advance(HOUR)
    after = await vault.token(ada, connection_id)
    assert after.raw_access != before.raw_access
    assert (before.generation, after.generation) == (1, 2)
    vault.house.clock.advance(HOUR)
    assert (await vault.token(ada, connection_id)).generation == 3
    assert await redemptions(vault, "google") == [(2, 2)]


async def test_f1_f3_twenty_callers_make_one_call(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    await vault.simulated.order("notion", lies={"latency_seconds": 0.2})
    asked = [vault.token(ada, connection_id, seen_generation=1) for _ in range(20)]
    released = await asyncio.gather(*asked)
    assert {each.generation for each in released} == {2}
    assert await redemptions(vault, "notion") == [(1, 1)]


async def test_enough_must_be_left(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(dt.timedelta(minutes=30))
    assert (await vault.token(ada, connection_id)).generation == 1
    longer = await vault.token(ada, connection_id, min_ttl=dt.timedelta(minutes=45))
    assert longer.generation == 2


async def test_f28_asking_for_more_than_there_can_be_burns_no_tokens(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(MINUTE)
    for _ in range(3):
        await vault.token(ada, connection_id, min_ttl=dt.timedelta(hours=12))
    assert await redemptions(vault, "google") == [(1, 1)]


async def test_f12_a_reported_generation_is_refreshed_and_a_newer_one_served(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    assert (await vault.token(ada, connection_id, seen_generation=1)).generation == 2
    assert (await vault.token(ada, connection_id, seen_generation=1)).generation == 2
    assert await redemptions(vault, "notion") == [(1, 1)]


async def test_f30_an_unknown_lifetime_is_never_refreshed_by_time(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(dt.timedelta(days=40))
    await vault.loop()
    assert (await vault.token(ada, connection_id)).generation == 1


@pytest.mark.parametrize(
    ("lie", "generation"),
    [({"expires_in": 0}, 2), ({"expires_in": "3600abc"}, 2), ({"expires_in": None}, 2)],
)
async def test_strange_lifetimes_make_no_loop(
    vault: Vault, lie: dict[str, Any], generation: int
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    await vault.simulated.order("google", lies={"token_response": lie})
    vault.house.clock.advance(HOUR)
    for _ in range(4):
        assert (await vault.token(ada, connection_id)).generation == generation


async def test_scopes_that_an_answer_does_not_name_stay(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    before = await vault.token(ada, connection_id)
    await vault.simulated.order("google", lies={"token_response": {"scope": None}})
    vault.house.clock.advance(HOUR)
    assert (await vault.token(ada, connection_id)).scopes == before.scopes


async def test_f21_a_dead_grant_asks_for_its_person_and_is_left_alone(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.simulated.order("google", revoke_grants=[ADA])
    vault.house.clock.advance(HOUR)
    for _ in range(3):
        with pytest.raises(Conflict, match="connection_reauth_required"):
            await vault.token(ada, connection_id)
    await vault.loop()
    assert await redemptions(vault, "google") == [(1, 0)]
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.reason) == ("reauth_required", "refused_by_provider")
    assert len(vault.named("connection:grant:reauth_required")) == 1
    await vault.connect(ada, account=ADA, connection_id=connection_id)
    assert (await vault.shown(ada, connection_id)).state == "active"
    assert (await vault.token(ada, connection_id)).generation == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429, "retry_after": 60},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 200},
        {"kind": "array"},
        {"kind": "drop"},
        {"kind": "drop_before"},
        {"kind": "slow", "seconds": 3},
        {"kind": "error", "status": 401, "error": "invalid_client"},
        {"kind": "error", "status": 400, "error": "something_new"},
    ],
)
async def test_f18_trouble_of_google_changes_no_connection(
    vault: Vault, fault: dict[str, Any]
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(HOUR)
    await vault.simulated.order("google", faults={"refresh": [fault]})
    impatient = vault.with_times(deadline_seconds=2.0)
    with pytest.raises(ProviderUnavailable, match="provider_unavailable"):
        await (impatient if fault["kind"] == "slow" else vault).token(ada, connection_id)
    assert (await vault.shown(ada, connection_id)).state == "active"
    with pytest.raises(ProviderUnavailable):  # backing off: nobody is asked
        await vault.token(ada, connection_id)
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1


async def test_a_token_that_has_not_expired_is_served_through_an_outage(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(dt.timedelta(minutes=30))
    await vault.simulated.order("google", faults={"refresh": [{"kind": "status"}] * 5})
    released = await vault.token(ada, connection_id, min_ttl=dt.timedelta(minutes=50))
    assert released.generation == 1


async def test_a_broken_client_is_an_incident_of_ours_alone(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(HOUR)
    await vault.simulated.order(
        "google", clients=[{"client_id": "limen-simulated", "secret": "rotated"}]
    )
    with pytest.raises(ProviderUnavailable):
        await vault.token(ada, connection_id)
    assert (await vault.shown(ada, connection_id)).state == "active"
    assert len(vault.named("provider:client:failing")) == 1
    assert len(vault.named("connection:grant:reauth_required")) == 0


async def test_f22_a_lost_answer_of_a_rotating_provider_is_uncertain(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    await vault.simulated.order("notion", faults={"refresh": [{"kind": "drop"}]})
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id, seen_generation=1)
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.reason) == ("reauth_required", "lost_rotation")
    assert len(vault.named("connection:grant:uncertain")) == 1
    assert await redemptions(vault, "notion") == [(1, 1)]  # never shown twice


async def test_an_uncertain_grant_still_serves_what_it_has(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    await vault.simulated.order(
        "notion", faults={"refresh": [{"kind": "drop"}]}, lies={"latency_seconds": 1.5}
    )
    first = asyncio.create_task(vault.token(ada, connection_id, seen_generation=1))
    await until(lambda: redemptions(vault, "notion"), "the provider was not asked")
    served = await dataclasses.replace(vault).token(ada, connection_id)
    assert served.generation == 1
    with pytest.raises(Conflict):
        await first


async def test_an_unreachable_provider_spends_nothing(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    found = vault.parts.catalogue.get("notion", {})
    endpoints = await found.endpoints(vault.parts.net, now=vault.house.clock.now())
    gone = dataclasses.replace(
        endpoints, refresh=dataclasses.replace(endpoints.refresh, url="http://127.0.0.1:9/token")
    )
    found._endpoints = gone  # type: ignore[attr-defined]  # a provider that is down
    with pytest.raises(ProviderUnavailable):
        await vault.token(ada, connection_id, seen_generation=1)
    assert (await vault.shown(ada, connection_id)).state == "active"


@pytest.mark.parametrize(
    "lie",
    [{"sub": "999"}, {"iss": "https://evil.example"}, {"aud": "another client"}, {"aud": None}],
    ids=["sub", "iss", "aud", "no-aud"],
)
async def test_n121_another_account_in_a_refreshed_id_token_is_refused(
    vault: Vault, lie: dict[str, str | None]
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.simulated.order("google", lies={"id_token": lie})
    vault.house.clock.advance(HOUR)
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id)
    assert (await vault.shown(ada, connection_id)).reason == "account_changed"


async def test_nobody_elses_connection_is_there(vault: Vault) -> None:
    ada, mallory = await vault.person(), await vault.person()
    connection_id = await vault.connect(ada)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.token(mallory, connection_id)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.shown(mallory, connection_id)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.run(
            lambda work: disconnect(
                work, vault.parts, connection_id=connection_id, user_id=mallory.id
            )
        )


async def test_each_reader_and_generation_is_audited_once(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    for _ in range(3):
        await vault.token(ada, connection_id)
    vault.house.clock.advance(HOUR)
    await vault.token(ada, connection_id)
    released = vault.named("connection:token:released")
    assert [event.generation for event in released] == [1, 2]


async def test_the_loop_refreshes_before_anybody_waits(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    assert await vault.loop() == 0
    vault.house.clock.advance(dt.timedelta(minutes=52))
    assert await vault.loop() == 1
    assert await vault.loop() == 0
    assert (await vault.token(ada, connection_id)).generation == 2
    assert await redemptions(vault, "google") == [(1, 1)]


async def test_f4_loops_of_several_workers_share_the_work(vault: Vault) -> None:
    people = [await vault.person() for _ in range(4)]
    accounts = [
        {"sub": f"sub-{number}", "email": f"p{number}@example.test", "name": "P"}
        for number in range(4)
    ]
    await vault.simulated.order("google", accounts=accounts)
    for number, person in enumerate(people):
        await vault.connect(person, account=f"sub-{number}")
    vault.house.clock.advance(dt.timedelta(minutes=55))
    await vault.simulated.order("google", lies={"latency_seconds": 0.1})
    await asyncio.gather(*(vault.loop() for _ in range(4)))
    assert sorted(await redemptions(vault, "google")) == [(1, 1)] * 4


async def test_the_loop_leaves_a_failing_client_alone(vault: Vault) -> None:
    ada = await vault.person()
    await vault.connect(ada)
    vault.house.clock.advance(HOUR)
    fault = {"kind": "status", "status": 429, "retry_after": 600}
    await vault.simulated.order("google", faults={"refresh": [fault]})
    for _ in range(3):
        await vault.loop()
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1


async def test_f43_disconnecting_ends_the_token_at_once_and_at_the_provider(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id),
        actor=SYSTEM,
    )
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.token(ada, connection_id)
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("google")
    assert len(seen["revocations"]) == 1
    assert seen["live_refresh_tokens"] == []
    assert vault.named("connection:grant:revoked")[0].receipt == "revoked"


async def test_n121_another_account_in_an_answer_that_names_it_is_refused(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(MINUTE)
    await vault.simulated.order("notion", lies={"token_response": {"bot_id": "another"}})
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id, seen_generation=1)
    assert (await vault.shown(ada, connection_id)).reason == "account_changed"
