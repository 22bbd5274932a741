"""Cases D: refresh tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from limen.access.revoke_role import revoke_role
from limen.accounts.ending.close_account import close_account
from limen.accounts.ending.disable_user import disable_user
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.protocol.client_metadata import ClientType
from limen.testing.visitor import Page
from tests.installation import Installation, Known, Person, basic
from tests.oauth_client import Flow, claims_in


@pytest.fixture
def limen(limen_on_both: Installation) -> Installation:
    """A rotation is one statement: on either engine."""
    return limen_on_both


@pytest.fixture
async def person(limen: Installation) -> Person:
    return await limen.person()


@pytest.fixture
async def public(limen: Installation) -> Flow:
    return Flow(limen, await limen.client("spa"))


@pytest.fixture
async def web(limen: Installation) -> Flow:
    return Flow(limen, await limen.client())


def check(answer: Page, error: str = "invalid_grant", status: int = 400) -> None:
    assert (answer.status, answer.json()["error"]) == (status, error), answer.text
    assert "access_token" not in answer.text


async def test_n043_an_old_token_after_the_grace_ends_the_family(
    public: Flow, person: Person
) -> None:
    first = await public.tokens(person)
    second = (await public.refresh(first["refresh_token"])).json()
    public.limen.clock.advance(seconds=10.1)
    check(await public.refresh(first["refresh_token"]))
    check(await public.refresh(second["refresh_token"]))
    for raw in (first["access_token"], second["access_token"]):
        assert (await public.userinfo(raw)).status == 401
    told = [mail["subject"] for mail in await public.limen.mails(person.email)]
    assert told, "the user is told"


async def test_n043_other_families_live_on(public: Flow, person: Person) -> None:
    first, other = await public.tokens(person), await public.tokens(person)
    await public.refresh(first["refresh_token"])
    public.limen.clock.advance(seconds=11)
    check(await public.refresh(first["refresh_token"]))
    assert (await public.refresh(other["refresh_token"])).status == 200


async def test_n044_of_twenty_at_once_one_rotates_and_one_leaf_lives(
    public: Flow, person: Person
) -> None:
    made = await public.tokens(person)
    answers = await asyncio.gather(*(public.refresh(made["refresh_token"]) for _ in range(20)))
    won = [answer.json() for answer in answers if answer.status == 200]
    for answer in answers:
        if answer.status != 200:
            check(answer)
    # One rotation and the three openings of its grace, all with the one successor.
    assert 1 <= len(won) <= 4
    assert len({pair["refresh_token"] for pair in won}) == 1
    assert (await public.refresh(won[0]["refresh_token"])).status == 200


async def test_n047_after_a_revocation_nothing_of_the_family_is_active(
    public: Flow, person: Person
) -> None:
    made = await public.tokens(person)
    second = (await public.refresh(made["refresh_token"])).json()
    calls: list[Awaitable[Page]] = [public.refresh(second["refresh_token"]) for _ in range(8)]
    calls.insert(4, public.revoke(second["refresh_token"]))
    answers = await asyncio.gather(*calls)
    assert answers[4].status == 200
    for answer in answers:
        if answer.status == 200 and answer.text:
            pair = answer.json()
            assert (await public.userinfo(pair["access_token"])).status == 401
            check(await public.refresh(pair["refresh_token"]))
    check(await public.refresh(second["refresh_token"]))
    assert (await public.userinfo(second["access_token"])).status == 401


async def _disable(flow: Flow, person: Person) -> None:
    await flow.limen.run(lambda work: disable_user(work, user_id=person.id))


async def _close(flow: Flow, person: Person) -> None:
    await flow.limen.run(lambda work: close_account(work, user_id=person.id))


async def _reset(flow: Flow, person: Person) -> None:
    limen = flow.limen
    body: dict[str, Any] = {"email": person.email}
    await limen.api.fetch("POST", "/api/v1/auth/password/forgot", body=body)
    link = await limen.link_to(person.email, "/reset-password")
    body = {"token": link.partition("token=")[2], "password": "a new and long enough phrase"}
    answer = await limen.api.fetch("POST", "/api/v1/auth/password/reset", body=body)
    assert answer.status == 204, answer.text


async def _withdraw(flow: Flow, person: Person) -> None:
    own = (await flow.limen.login(person))["access_token"]
    [consent] = (await person.api("GET", "/api/v1/consents", own)).json()["items"]
    await person.api("DELETE", f"/api/v1/consents/{consent['id']}", own)


async def _sign_out(flow: Flow, person: Person) -> None:
    page = await person.browser.open("/sign-out")
    await person.browser.press(page, "logout-yes")


@pytest.mark.parametrize("kind", ["web", "spa"])
@pytest.mark.parametrize(
    ("happens", "scope"),
    [
        (_disable, "openid offline_access"),
        (_close, "openid offline_access"),
        (_reset, "openid offline_access"),
        (_withdraw, "openid offline_access"),
        (_sign_out, "openid"),
        (_reset, "openid"),
    ],
)
async def test_n048_who_is_gone_refreshes_nothing(
    limen: Installation,
    person: Person,
    happens: Callable[[Flow, Person], Awaitable[None]],
    *,
    scope: str,
    kind: ClientType,
) -> None:
    flow = Flow(limen, await limen.client(kind))
    made = await flow.tokens(person, scope=scope)
    assert (await flow.userinfo(made["access_token"])).status == 200
    await happens(flow, person)
    check(await flow.refresh(made["refresh_token"]))
    assert (await flow.userinfo(made["access_token"])).status == 401


async def test_n048_a_disabled_machines_tokens_are_dead(limen: Installation, web: Flow) -> None:
    machine = await limen.client("machine")
    made = (await limen.post("/oauth2/token", machine, grant_type="client_credentials")).json()
    assert await web.is_active(made["access_token"], by=await limen.api_client())
    await limen.run(lambda work: disable_client(work, client_id=machine.id))
    assert not await web.is_active(made["access_token"], by=await limen.api_client())


async def test_n049_a_lost_role_counts_at_once(limen: Installation) -> None:
    admin = await limen.person(role="admin")
    pair = await limen.login(admin)
    users = "/api/v1/admin/users"
    assert (await admin.api("GET", users, pair["access_token"])).status == 200
    await limen.run(lambda work: revoke_role(work, principal_id=admin.id, role="admin"))
    assert (await admin.api("GET", users, pair["access_token"])).status == 403
    body = {"refresh_token": pair["refresh_token"]}
    fresh = (await limen.api.fetch("POST", "/api/v1/auth/refresh", body=body)).json()
    assert (await admin.api("GET", users, fresh["access_token"])).status == 403


async def test_n049_a_scope_the_client_lost_is_not_given_again(web: Flow, person: Person) -> None:
    made = await web.tokens(person, scope="openid email offline_access")
    changes = ClientChanges(metadata={"scope": "openid offline_access"})
    await web.limen.run(lambda work: update_client(work, client_id=web.client.id, changes=changes))
    answer = await web.refresh(made["refresh_token"])
    assert answer.status == 400 or "email" not in answer.json()["scope"].split(), answer.text


async def test_n050_a_confidential_client_authenticates(
    limen: Installation, web: Flow, person: Person
) -> None:
    made = await web.tokens(person)
    form = {"grant_type": "refresh_token", "refresh_token": made["refresh_token"]}
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"client_id": web.client.id}, {}),
        ({"client_id": web.client.id, "client_secret": ""}, {}),
        ({"client_id": web.client.id, "client_secret": "wrong"}, {}),
        ({}, basic(web.client.id, "wrong")),
        ({}, basic(web.client.id, "")),
    ]
    for said, headers in attempts:
        answer = await limen.api.fetch(
            "POST", "/oauth2/token", form={**form, **said}, headers=headers
        )
        assert answer.status in {400, 401}, said
        assert answer.json()["error"] in {"invalid_client", "invalid_request"}, said
    again = await web.refresh(made["refresh_token"])
    assert again.status == 200


async def test_n051_a_disabled_client_refreshes_nothing(web: Flow, person: Person) -> None:
    made = await web.tokens(person)
    await web.limen.run(lambda work: disable_client(work, client_id=web.client.id))
    check(await web.refresh(made["refresh_token"]), "invalid_client", 401)


async def test_n052_a_refresh_does_not_widen(
    limen: Installation, web: Flow, person: Person
) -> None:
    resource, other = await limen.resource(), await limen.resource()
    made = await web.tokens(person, scope="read offline_access", resource=resource)
    raw = made["refresh_token"]
    check(await web.refresh(raw, scope="read write"), "invalid_scope")
    check(await web.refresh(raw, scope="openid read"), "invalid_scope")
    check(await web.refresh(raw, resource=other), "invalid_target")
    check(await web.refresh(raw, resource="not a uri"), "invalid_target")
    narrowed = (await web.refresh(raw, scope="read", resource=resource)).json()
    assert claims_in(narrowed["access_token"])["aud"] == resource


async def test_n053_nothing_outlives_the_absolute_end(public: Flow, person: Person) -> None:
    made = await public.tokens(person)
    raw = made["refresh_token"]
    for _ in range(8):
        public.limen.clock.advance(days=22)
        raw = (await public.refresh(raw)).json()["refresh_token"]
    public.limen.clock.advance(days=5)
    check(await public.refresh(raw))


async def test_n053_idle_for_too_long(public: Flow, person: Person) -> None:
    made = await public.tokens(person)
    public.limen.clock.advance(days=30, seconds=1)
    check(await public.refresh(made["refresh_token"]))


async def test_n053_the_grace_opens_three_times(public: Flow, person: Person) -> None:
    with public.limen.clock.held():
        made = await public.tokens(person)
        answers = [await public.refresh(made["refresh_token"]) for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 200, 400]
        check(answers[-1])
        assert len({answer.json()["refresh_token"] for answer in answers[:4]}) == 1
        assert (await public.refresh(answers[0].json()["refresh_token"])).status == 200


async def test_n053_two_generations_old_ends_the_family(public: Flow, person: Person) -> None:
    with public.limen.clock.held():
        first = await public.tokens(person)
        second = (await public.refresh(first["refresh_token"])).json()
        third = (await public.refresh(second["refresh_token"])).json()
        check(await public.refresh(first["refresh_token"]))
        check(await public.refresh(third["refresh_token"]))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + "A",
        lambda raw: raw.swapcase(),
        lambda raw: raw[:-4] + "AAAA",
        lambda raw: "x" * 5000,
        lambda raw: raw.replace("_", "-", 1),
    ],
)
async def test_n040_n094_a_forged_token_ends_nothing(
    public: Flow, person: Person, change: Callable[[str], str]
) -> None:
    made = await public.tokens(person)
    check(await public.refresh(change(made["refresh_token"])))
    assert (await public.refresh(made["refresh_token"])).status == 200


async def test_n033_n092_anothers_refresh_token_is_worth_nothing(
    limen: Installation, public: Flow, person: Person
) -> None:
    made = await public.tokens(person)
    strangers: list[Known] = [await limen.client(), await limen.client("spa")]
    for stranger in strangers:
        check(await Flow(limen, stranger).refresh(made["refresh_token"]))
    second = (await public.refresh(made["refresh_token"])).json()
    limen.clock.advance(seconds=11)
    for stranger in strangers:  # nor does an old one in a stranger's hands end the family
        check(await Flow(limen, stranger).refresh(made["refresh_token"]))
    assert (await public.refresh(second["refresh_token"])).status == 200
