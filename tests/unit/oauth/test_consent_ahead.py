from __future__ import annotations

import dataclasses
import re
from typing import Any

import httpx2
import pytest

from limen.access.grant_role import grant_role
from limen.db.work import Work
from limen.kernel.actor import OPERATOR, Actor
from limen.kernel.errors import NotPermitted
from limen.oauth.consent import list_consents
from limen.oauth.consent_ahead import consent_ahead
from limen.oauth.registry.disable_client import disable_client
from tests.unit.oauth.http_kit import Server
from tests.unit.oauth.journey_kit import Browser, answered

pytestmark = pytest.mark.anyio

API = "https://api.example/"


async def give(browser: Browser, **body: Any) -> httpx2.Response:
    page = await browser.get("/oauth2/logout")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    headers = {"x-csrf-token": token[1]} if token else {}
    return await browser.send("POST", "/api/v1/consents", json=body, headers=headers)


async def signed_in(journey: Server, email: str = "ada@app.example") -> tuple[str, Browser]:
    user_id, browser = await journey.person(email), Browser(journey)
    await browser.sign_in(user_id)
    return user_id, browser


async def admin(journey: Server) -> Browser:
    user_id, browser = await signed_in(journey, "root@app.example")

    async def promote(work: Work) -> None:
        await grant_role(work, principal_id=user_id, role="admin")

    await journey.works.run(journey.site, promote, actor=OPERATOR)
    return browser


async def test_who_agreed_ahead_is_not_asked(journey: Server) -> None:
    client = await journey.client()
    user_id, browser = await signed_in(journey)
    given = await give(browser, client_id=client.id, scope="openid email")
    assert given.status_code == 201, given.text
    assert given.json()["scopes"] == ["openid", "email"]
    assert given.json()["remembered"] is True
    assert answered(await browser.ask(client, scope="openid email"))["code"]
    page = await browser.ask(client, scope="openid email read")
    assert page.headers["location"].startswith("/consent?")
    (kept,) = await journey.run(lambda work: list_consents(work, user_id=user_id))
    assert kept.id == given.json()["id"]
    assert [event.name for event in journey.events].count("oauth:consent:granted") == 1


async def test_given_twice_it_grows_and_keeps_its_id(journey: Server) -> None:
    client = await journey.client()
    _, browser = await signed_in(journey)
    first = (await give(browser, client_id=client.id, scope="openid")).json()
    again = (await give(browser, client_id=client.id, scope="email")).json()
    assert (again["id"], again["scopes"]) == (first["id"], ["openid", "email"])


async def test_at_a_resource(journey: Server) -> None:
    await journey.resource(API)
    client = await journey.client()
    _, browser = await signed_in(journey)
    given = await give(browser, client_id=client.id, scope="read", resource="HTTPS://API.example")
    assert (given.status_code, given.json().get("resource")) == (201, "https://api.example")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"client_id": "nobody"}, 404, "client_not_found"),
        ({"scope": "openid else"}, 422, "scope_not_available"),
        ({"scope": " "}, 422, "scope_not_available"),
        ({"scope": ""}, 422, "invalid_input"),
        ({"scope": 'a"b'}, 400, "invalid_scope"),
        ({"resource": "https://other.example"}, 400, "invalid_target"),
        ({"resource": "not a uri"}, 400, "invalid_target"),
        ({"remembered": True}, 422, "invalid_input"),
    ],
)
async def test_what_is_refused(
    journey: Server, changes: dict[str, Any], status: int, code: str
) -> None:
    client = await journey.client()
    user_id, browser = await signed_in(journey)
    given = await give(browser, **{"client_id": client.id, "scope": "openid", **changes})
    assert (given.status_code, given.json()["code"]) == (status, code)
    assert await journey.run(lambda work: list_consents(work, user_id=user_id)) == []


async def test_a_disabled_client_gets_none(journey: Server) -> None:
    client = await journey.client()
    _, browser = await signed_in(journey)
    await journey.run(lambda work: disable_client(work, client_id=client.id))
    assert (await give(browser, client_id=client.id, scope="openid")).status_code == 404


async def test_n272_nobody_vouches_ahead_for_a_client_that_could_be_anybody(
    journey: Server,
) -> None:
    client = await journey.client("native", redirect_uris=("http://127.0.0.1/cb",))
    _, browser = await signed_in(journey)
    given = await give(browser, client_id=client.id, scope="openid")
    assert given.json()["remembered"] is False


async def test_n197_a_member_speaks_for_nobody_else(journey: Server) -> None:
    client = await journey.client(trusted=True)
    ada = await journey.person()
    _, eve = await signed_in(journey, "eve@app.example")
    given = await give(eve, client_id=client.id, scope="openid", user_id=ada)
    assert (given.status_code, given.json()["code"]) == (403, "not_permitted")
    assert await journey.run(lambda work: list_consents(work, user_id=ada)) == []


async def test_an_administrator_speaks_for_users_to_trusted_clients_alone(journey: Server) -> None:
    trusted, other = await journey.client(trusted=True), await journey.client()
    ada, root = await journey.person(), await admin(journey)
    given = await give(root, client_id=trusted.id, scope="openid", user_id=ada)
    assert given.status_code == 201
    (kept,) = await journey.run(lambda work: list_consents(work, user_id=ada))
    assert kept.client_id == trusted.id
    refused = await give(root, client_id=other.id, scope="openid", user_id=ada)
    assert (refused.status_code, refused.json()["code"]) == (403, "client_not_trusted")
    unknown = await give(root, client_id=trusted.id, scope="openid", user_id="nobody")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "user_not_found")


@pytest.mark.parametrize("scope", [frozenset({"self"}), frozenset({"consents:write"}), frozenset()])
async def test_an_application_agrees_to_nothing_on_behalf_of_its_user(
    journey: Server, scope: frozenset[str]
) -> None:
    client, user_id = await journey.client(), await journey.person()
    actor = Actor("user", id=user_id, client_id=client.id, scope=scope)

    async def body(work: Work) -> None:
        await consent_ahead(
            work,
            parts=journey.parts,
            user_id=user_id,
            client_id=client.id,
            scope=("openid",),
            resource=None,
        )

    with pytest.raises(NotPermitted) as caught:
        await journey.works.run(journey.site, body, actor=actor)
    assert caught.value.code == "first_party_only"
    first_party = dataclasses.replace(actor, scope=frozenset({"limen:full"}))
    await journey.works.run(journey.site, body, actor=first_party)


async def test_nobody_gives_anything_without_a_session(journey: Server) -> None:
    client = await journey.client()
    given = await give(Browser(journey), client_id=client.id, scope="openid")
    assert given.status_code == 401
