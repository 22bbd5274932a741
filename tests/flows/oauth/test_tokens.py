from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp
import pytest

from limen.kernel.clock import SystemClock
from limen.protocol.jwk import import_key_set
from limen.protocol.jwt import Expected, verify
from limen.testing.visitor import Visitor
from tests.flows.oauth.installation import CALLBACK, GOODBYE, Installation
from tests.flows.oauth.wire import Application

pytestmark = pytest.mark.anyio


async def test_a_web_application_gets_tokens_for_a_person(
    limen: Installation, http: aiohttp.ClientSession, browser: Visitor, ada: str
) -> None:
    app = Application(limen, limen.client("web"), http)
    answer, verifier = await app.code(browser, ada)
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("s-1", limen.issuer)
    redeemed = await app.post(
        "token",
        grant_type="authorization_code",
        code=answer["code"],
        redirect_uri=CALLBACK,
        code_verifier=verifier.reveal(),
    )
    assert redeemed.status == 200, redeemed
    assert redeemed.headers["cache-control"] == "no-store"
    made = redeemed.body
    keys = import_key_set((await app.send("GET", "/oauth2/jwks")).body)
    expected = Expected(
        algorithms=frozenset({"RS256"}),
        typ=("JWT",),
        issuer=limen.issuer,
        audience=app.known.id,
        required=("exp", "iat", "sub", "auth_time", "at_hash", "nonce"),
    )
    claims = verify(made["id_token"], keys, expected=expected, now=SystemClock().now())
    assert claims["nonce"] == "n-1"

    told = await app.userinfo(made["access_token"])
    assert told.body["sub"] == claims["sub"]
    assert (told.body["name"], told.body["email"]) == ("Ada", ada)

    active = await app.post("introspect", token=made["access_token"])
    assert (active.body["active"], active.body["iss"]) == (True, limen.issuer)

    again = await app.post("token", grant_type="refresh_token", refresh_token=made["refresh_token"])
    assert again.status == 200, again
    assert (await app.post("revoke", token=again.body["refresh_token"])).status == 200
    for raw in (made["access_token"], again.body["access_token"]):
        assert (await app.post("introspect", token=raw)).body == {"active": False}
        assert (await app.userinfo(raw)).status == 401


async def test_a_public_client_rotates_its_refresh_token(
    limen: Installation, http: aiohttp.ClientSession, browser: Visitor, ada: str
) -> None:
    app = Application(limen, limen.client("spa"), http)
    first = await app.tokens(browser, ada)
    second = await app.post(
        "token", grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    assert second.status == 200, second
    assert second.body["refresh_token"] != first["refresh_token"]


async def test_n031_a_replayed_code_ends_what_it_gave(
    limen: Installation, http: aiohttp.ClientSession, browser: Visitor, ada: str
) -> None:
    app = Application(limen, limen.client("web"), http)
    answer, verifier = await app.code(browser, ada)
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": verifier.reveal(),
    }
    first, second = await app.post("token", **form), await app.post("token", **form)
    assert (first.status, second.status) == (200, 400)
    assert second.body["error"] == "invalid_grant"
    assert (await app.userinfo(first.body["access_token"])).status == 401


async def test_a_machine_gets_a_token_for_itself(
    limen: Installation, http: aiohttp.ClientSession
) -> None:
    app = Application(limen, limen.client("machine", scope=("read",)), http)
    made = await app.post("token", grant_type="client_credentials")
    assert made.status == 200, made
    told = await app.post("introspect", token=made.body["access_token"])
    assert told.body["sub"] == app.known.id
    assert (await app.userinfo(made.body["access_token"])).status == 403


async def test_n087_two_tenants_know_nothing_of_each_others_tokens(
    limen: Installation, http: aiohttp.ClientSession
) -> None:
    app = Application(limen, limen.client("machine", scope=("read",)), http)
    made = await app.post("token", grant_type="client_credentials")
    elsewhere = await app.send(
        "GET",
        f"{limen.other.issuer}/oauth2/userinfo",
        headers={"Authorization": f"Bearer {made.body['access_token']}"},
    )
    assert elsewhere.status == 401
    stranger = await app.send(
        "POST",
        f"{limen.other.issuer}/oauth2/token",
        form={"grant_type": "client_credentials", **app.known.post},
    )
    assert (stranger.status, stranger.body["error"]) == (401, "invalid_client")


async def test_n041_the_token_endpoint_takes_posted_forms_alone(
    limen: Installation, http: aiohttp.ClientSession
) -> None:
    app = Application(limen, limen.client("machine", scope=("read",)), http)
    assert (await app.send("GET", "/oauth2/token")).status == 405
    async with http.post(f"{limen.issuer}/oauth2/token", json={"grant_type": "x"}) as answer:
        assert answer.status == 415
        assert (await answer.json())["error"] == "invalid_request"


async def test_scripts_of_the_clients_origins_may_call_and_no_others(
    limen: Installation, http: aiohttp.ClientSession
) -> None:
    app = Application(limen, limen.client("spa"), http)
    form = {"grant_type": "refresh_token", "refresh_token": "x", **app.known.post}
    allowed = {}
    for origin in ("https://app.example", "https://evil.example", "null"):
        answer = await app.send("POST", "/oauth2/token", form=form, headers={"Origin": origin})
        allowed[origin] = answer.headers.get("access-control-allow-origin")
        assert "access-control-allow-credentials" not in answer.headers
    assert allowed == {
        "https://app.example": "https://app.example",
        "https://evil.example": None,
        "null": None,
    }
    for open_to_all in ("/oauth2/jwks", "/.well-known/openid-configuration"):
        answer = await app.send("GET", open_to_all, headers={"Origin": "https://evil.example"})
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_person_signs_out_at_the_clients_wish(
    limen: Installation, http: aiohttp.ClientSession, browser: Visitor, ada: str
) -> None:
    app = Application(limen, limen.client("web"), http)
    made = await app.tokens(browser, ada)
    asked = f"id_token_hint={made['id_token']}&post_logout_redirect_uri={GOODBYE}&state=s-2"
    page = await browser.open(f"{limen.issuer}/oauth2/logout?{asked}")
    left = await browser.press(page, "logout-yes")
    assert left.url == f"{GOODBYE}?state=s-2"
    assert (await app.userinfo(made["access_token"])).status == 401
    refreshed = await app.post(
        "token", grant_type="refresh_token", refresh_token=made["refresh_token"]
    )
    assert (refreshed.status, refreshed.body["error"]) == (400, "invalid_grant")


async def test_every_address_of_the_metadata_answers(
    limen: Installation, http: aiohttp.ClientSession
) -> None:
    app = Application(limen, limen.client("machine", scope=("read",)), http)
    path = urlsplit(limen.issuer).path
    found = []
    for name in ("openid-configuration", "oauth-authorization-server"):
        for url in (
            f"{limen.issuer}/.well-known/{name}",
            f"{limen.origin}/.well-known/{name}{path}",
        ):
            answer = await app.send("GET", url)
            assert answer.status == 200, url
            found.append(answer.body)
    assert all(document == found[0] for document in found)
    assert found[0]["issuer"] == limen.issuer
    for name, url in found[0].items():
        if name.endswith(("_endpoint", "_uri")):
            assert (await app.send("GET", url)).status != 404, name


async def test_the_host_keeps_its_own_routes(
    limen: Installation, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{limen.origin}/hello") as answer:
        assert await answer.json() == "the host's own"
