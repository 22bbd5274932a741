"""Cases G: audience, introspection, revocation, UserInfo."""

from __future__ import annotations

from typing import Any

import pytest

from limen.testing.visitor import Page
from tests.installation import Installation, Known, Person
from tests.oauth_client import Flow


@pytest.fixture
async def person(limen: Installation) -> Person:
    return await limen.person()


@pytest.fixture
async def flow(limen: Installation) -> Flow:
    return Flow(limen, await limen.client())


def check(answer: Page, error: str, status: int = 400) -> None:
    assert (answer.status, answer.json()["error"]) == (status, error), answer.text


async def machine_token(limen: Installation, **asked: str) -> tuple[Known, str]:
    machine = await limen.client("machine")
    answer = await limen.post("/oauth2/token", machine, grant_type="client_credentials", **asked)
    assert answer.status == 200, answer.text
    return machine, str(answer.json()["access_token"])


async def test_n087_a_token_for_one_api_is_nothing_to_our_own(
    limen: Installation, flow: Flow, person: Person
) -> None:
    resource = await limen.resource()
    made = await flow.tokens(person, scope="read", resource=resource)
    answer = await person.api("GET", "/api/v1/auth/me", made["access_token"])
    assert answer.status == 401, answer.text
    assert f"resource={limen.issuer}/api/v1." in answer.json()["detail"]


CALLS = (
    ("GET", "/api/v1/auth/sessions"),
    ("DELETE", "/api/v1/auth/sessions"),
    ("GET", "/api/v1/consents"),
    ("GET", "/api/v1/oauth/connections"),
    ("POST", "/api/v1/oauth/google/connect"),
    ("GET", "/api/v1/admin/users"),
)


async def test_n087_n245_an_applications_token_is_not_the_persons_session(
    limen: Installation, flow: Flow
) -> None:
    person = await limen.person(role="owner")
    made = await flow.tokens(person, scope="openid email")
    for method, path in CALLS:
        body: Any = {} if method == "POST" else None
        answer = await person.api(method, path, made["access_token"], body)
        assert answer.status == 401, (path, answer.status, answer.text)


async def test_n245_a_token_for_our_api_does_what_its_scope_says(limen: Installation) -> None:
    person = await limen.person(role="owner")
    client = await limen.client(scope=("openid", "connections:read"))
    asked = {"scope": "connections:read", "resource": f"{limen.issuer}/api/v1"}
    made = await Flow(limen, client).tokens(person, **asked)
    for method, path in CALLS:
        body: Any = {} if method == "POST" else None
        answer = await person.api(method, path, made["access_token"], body)
        wanted = 200 if path == "/api/v1/oauth/connections" else 403
        assert answer.status == wanted, (path, answer.status, answer.text)


async def test_n090_a_grant_for_one_resource_gives_none_for_another(
    limen: Installation, flow: Flow, person: Person
) -> None:
    resource, other = await limen.resource(), await limen.resource()
    code = await flow.code(person, scope="read", resource=resource)
    check(await flow.redeem(code, resource=other), "invalid_target")
    check(await flow.redeem(code, resource=limen.issuer), "invalid_target")
    assert (await flow.redeem(code, resource=resource)).status == 200


@pytest.mark.parametrize(
    "resource",
    ["https://unknown.example", "not a uri", "/relative", "https://api.example/#frag", "x" * 3000],
)
async def test_n090_an_unknown_resource(limen: Installation, resource: str) -> None:
    machine = await limen.client("machine")
    answer = await limen.post(
        "/oauth2/token", machine, grant_type="client_credentials", resource=resource
    )
    check(answer, "invalid_target")


async def test_n092_nobody_revokes_anothers_token(
    limen: Installation, flow: Flow, person: Person
) -> None:
    made = await flow.tokens(person)
    machine, own = await machine_token(limen)
    other = Flow(limen, await limen.client())
    for raw in (made["access_token"], made["refresh_token"], own):
        answer = await other.revoke(raw)
        assert answer.status == 400, answer.text
        assert "error" in answer.json()
    assert await flow.is_active(made["access_token"])
    assert (await flow.refresh(made["refresh_token"])).status == 200
    assert await flow.is_active(own, by=machine)


async def test_n092_only_who_may_see_a_token_learns_of_it(
    limen: Installation, flow: Flow, person: Person
) -> None:
    made = await flow.tokens(person)
    other, api = await limen.client(), await limen.api_client()
    assert await flow.introspect(made["access_token"], by=other) == {"active": False}
    assert await flow.introspect(made["refresh_token"], by=api) == {"active": False}
    assert await flow.is_active(made["access_token"], by=api)
    for junk in ("", "x", "x.y.z", made["access_token"] + "x", made["id_token"], "x" * 9000):
        answer = await limen.post("/oauth2/introspect", api, token=junk)
        if junk:
            assert (answer.status, answer.json()) == (200, {"active": False}), answer.text
        else:
            check(answer, "invalid_request")


async def test_n093_a_token_in_the_query_is_none(
    limen: Installation, flow: Flow, person: Person
) -> None:
    raw = (await flow.tokens(person))["access_token"]
    for path in ("/oauth2/userinfo", "/api/v1/auth/me"):
        assert (await limen.api.fetch("GET", f"{path}?access_token={raw}")).status == 401
    header = {"Authorization": f"Bearer {raw}"}
    answer = await limen.api.fetch(
        "POST", "/oauth2/userinfo", form={"access_token": raw}, headers=header
    )
    assert answer.status == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]
    answer = await limen.api.fetch("POST", "/oauth2/userinfo", form={"access_token": raw})
    assert answer.json()["sub"] == person.id


@pytest.mark.parametrize("change", ["cut", "long", "case", "padding", "prefix", "nothing"])
async def test_n080_n094_another_spelling_of_a_token(
    flow: Flow, person: Person, change: str
) -> None:
    raw = (await flow.tokens(person))["access_token"]
    head, body, signature = raw.split(".")
    spelled = {
        "cut": raw[:-2],
        "long": raw + "A",
        "case": f"{head}.{body.swapcase()}.{signature}",
        "padding": f"{head}.{body}.{signature}=",
        "prefix": "lma_" + raw,
        "nothing": f"{head}.{body}.",
    }[change]
    answer = await flow.userinfo(spelled)
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert not await flow.is_active(spelled)


async def test_n080_a_revoked_token_stays_so_however_it_is_spelled(
    flow: Flow, person: Person
) -> None:
    raw = (await flow.tokens(person))["access_token"]
    assert (await flow.revoke(raw)).status == 200
    for spelled in (raw, raw + "=", raw + "\n", " " + raw):
        assert not await flow.is_active(spelled)


async def test_n095_userinfo_is_for_people_who_said_openid(
    limen: Installation, flow: Flow, person: Person
) -> None:
    _, own = await machine_token(limen)
    without = (await flow.tokens(person, scope="email read"))["access_token"]
    for raw in (own, without):
        answer = await flow.userinfo(raw)
        assert answer.status == 403, answer.text
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_n097_client_ids_and_subjects_never_meet(limen: Installation, person: Person) -> None:
    machine, own = await machine_token(limen)
    assert machine.id != person.id
    answer = await person.api("GET", "/api/v1/auth/me", own)
    assert answer.status in {401, 403}, answer.text


async def test_n084_no_token_stands_for_another_kind(
    limen: Installation, flow: Flow, person: Person
) -> None:
    made = await flow.tokens(person)
    pair: dict[str, Any] = await limen.login(person)
    for raw in (made["id_token"], made["refresh_token"], pair["refresh_token"]):
        assert (await flow.userinfo(raw)).status == 401
        assert (await person.api("GET", "/api/v1/auth/me", raw)).status == 401
    for raw in (made["access_token"], made["id_token"], pair["refresh_token"]):
        check(await flow.refresh(raw), "invalid_grant")
    for raw in (pair["access_token"], made["refresh_token"], made["id_token"]):
        body = {"refresh_token": raw}
        answer = await limen.api.fetch("POST", "/api/v1/auth/refresh", body=body)
        assert answer.status == 401, answer.text
    answer = await person.browser.open(f"/oauth2/logout?id_token_hint={made['access_token']}")
    assert answer.status in {200, 400}
    assert not answer.url.startswith("https://app.example")


@pytest.mark.parametrize("name", ["token"])
@pytest.mark.parametrize("path", ["/oauth2/introspect", "/oauth2/revoke"])
async def test_o7_the_token_absent_empty_or_twice(
    limen: Installation, flow: Flow, path: str, name: str
) -> None:
    for form in ([], [(name, "")], [(name, "x"), (name, "x")]):
        answer = await limen.api.fetch("POST", path, form=form, headers=flow.client.basic)
        check(answer, "invalid_request")
