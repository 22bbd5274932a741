from __future__ import annotations

import itertools

import pytest

from limen.tenants.switch_tenant import resume_tenant, suspend_tenant
from tests.at_provider import connect
from tests.installation import Installation
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE, add_tenant

_numbers = itertools.count()


@pytest.fixture
async def other(limen: Installation) -> Installation:
    tenant = await add_tenant(limen.application, slug=f"other{next(_numbers)}")
    return limen.at(tenant)


async def test_people_clients_and_tokens_stay_in_their_tenant(
    limen: Installation, other: Installation
) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    made = await flow.tokens(person)
    own = (await limen.login(person))["access_token"]

    body = {"email": person.email, "password": person.password}
    answer = await other.api.fetch("POST", "/api/v1/auth/login", body=body)
    assert (answer.status, answer.json()["code"]) == (401, "invalid_credentials")
    for token in (own, made["access_token"]):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await other.api.fetch("GET", "/api/v1/auth/me", headers=headers)).status == 401
        assert (await other.api.fetch("GET", "/oauth2/userinfo", headers=headers)).status == 401
    there = Flow(other, flow.client)
    answer = await there.refresh(made["refresh_token"])
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")
    page = await other.browser().open(there.url())
    assert (page.status, page.has("error-page")) == (400, True)
    stranger = Flow(other, await other.client())
    assert not await stranger.is_active(made["access_token"])
    assert (await stranger.refresh(made["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_browsers_session_is_good_in_its_own_tenant_alone(
    limen: Installation, other: Installation
) -> None:
    person = await limen.person()
    await person.sign_in()
    page = await person.browser.open(f"{other.issuer}/account")
    assert page.url.startswith(f"{other.issuer}/sign-in")
    twin = await other.person(person.email)
    assert twin.id != person.id


async def test_keys_are_each_tenants_own(limen: Installation, other: Installation) -> None:
    documents = [(await one.api.fetch("GET", "/oauth2/jwks")).json() for one in (limen, other)]
    kids = [{key["kid"] for key in document["keys"]} for document in documents]
    assert all(kids)
    assert not kids[0] & kids[1]


async def test_n206_n243_ids_of_another_tenant_name_nothing(
    limen: Installation, other: Installation
) -> None:
    person, stranger = await limen.person(), await other.person()
    await person.sign_in()
    await connect(limen, person)
    own = (await limen.login(person))["access_token"]
    [connection] = (await person.api("GET", "/api/v1/oauth/connections", own)).json()["items"]
    await Flow(limen, await limen.client()).tokens(person)
    [consent] = (await person.api("GET", "/api/v1/consents", own)).json()["items"]
    sessions = (await person.api("GET", "/api/v1/auth/sessions", own)).json()["items"]
    theirs = (await other.login(stranger))["access_token"]
    for method, path in (
        ("GET", f"/api/v1/oauth/connections/{connection['id']}"),
        ("GET", f"/api/v1/oauth/connections/{connection['id']}/token"),
        ("POST", f"/api/v1/oauth/connections/{connection['id']}/refresh"),
        ("DELETE", f"/api/v1/oauth/connections/{connection['id']}"),
        ("DELETE", f"/api/v1/consents/{consent['id']}"),
        ("DELETE", f"/api/v1/auth/sessions/{sessions[0]['id']}"),
    ):
        answer = await stranger.api(method, path, theirs)
        assert answer.status == 404, (method, path, answer.text)
    still = await person.api("GET", f"/api/v1/oauth/connections/{connection['id']}", own)
    assert still.json()["state"] == "active"


@EACH_ONCE
async def test_n038_n178_a_suspended_tenant_answers_nobody_until_it_is_resumed(
    limen: Installation, other: Installation
) -> None:
    person, flow = await other.person(), Flow(other, await other.client())
    made = await flow.tokens(person)
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    body = {"email": person.email, "password": person.password}

    async def asked() -> list[int]:
        answers = [
            await other.api.fetch("POST", "/api/v1/auth/login", body=body),
            await other.api.fetch("GET", "/oauth2/userinfo", headers=headers),
            await other.api.fetch("GET", "/.well-known/openid-configuration"),
            await person.browser.open("/account"),
        ]
        return [answer.status for answer in answers]

    assert await asked() == [200] * 4
    await other.run(suspend_tenant)
    assert await asked() == [404] * 4
    assert (await flow.refresh(made["refresh_token"])).status == 404
    assert (await limen.api.fetch("GET", "/.well-known/openid-configuration")).status == 200
    await other.run(resume_tenant)
    assert await asked() == [200] * 4
    assert (await flow.refresh(made["refresh_token"])).status == 200
