import base64
import json
from typing import Any

import pytest

from limen.oauth.registry.update_client import ClientChanges, update_client
from tests.unit.oauth.http_kit import Known, Server
from tests.unit.oauth.journey_kit import Browser, answered

pytestmark = pytest.mark.anyio
ESSENTIAL = {"essential": True}


@pytest.fixture
def browser(journey: Server) -> Browser:
    return Browser(journey)


async def tokens(
    journey: Server, browser: Browser, client: Known, claims: Any, *, scope: str = "openid"
) -> dict[str, Any]:
    to_consent = await browser.ask(client, claims=json.dumps(claims), scope=scope)
    page = await browser.get(to_consent.headers["location"])
    code = answered(await browser.decide(page, "allow"))["code"]
    answer = await journey.redeem(client, code)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def said(id_token: str) -> dict[str, Any]:
    part = id_token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


async def userinfo(journey: Server, raw: str) -> dict[str, Any]:
    answer = await journey.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {raw}"})
    return dict(answer.json())


async def test_an_essential_userinfo_claim_goes_to_userinfo_and_not_to_the_id_token(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    told = await tokens(journey, browser, client, {"userinfo": {"name": ESSENTIAL}})
    assert told["scope"] == "openid"
    info = await userinfo(journey, told["access_token"])
    assert set(info) == {"sub", "name"}
    assert info["name"] == "Ada"
    assert "name" not in said(told["id_token"])


async def test_an_id_token_claim_goes_to_the_id_token_and_stays_there(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    wanted = {"id_token": {"email": ESSENTIAL, "email_verified": None, "nickname": None}}
    told = await tokens(journey, browser, client, wanted, scope="openid offline_access")
    first = said(told["id_token"])
    assert (first["email"], first["email_verified"]) == ("ada@app.example", True)
    assert "nickname" not in first
    assert set(await userinfo(journey, told["access_token"])) == {"sub"}
    again = await journey.refresh(client, told["refresh_token"])
    assert said(again.json()["id_token"])["email"] == "ada@app.example"


async def test_n049_a_claim_whose_scope_the_client_lost_is_told_no_more(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    wanted = {"id_token": {"email": ESSENTIAL}, "userinfo": {"email": None}}
    told = await tokens(journey, browser, client, wanted, scope="openid offline_access")
    assert "email" in await userinfo(journey, told["access_token"])
    changes = ClientChanges(metadata={"scope": "openid offline_access"})
    await journey.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    again = await journey.refresh(client, told["refresh_token"])
    assert "email" not in said(again.json()["id_token"])
    for made in (told, again.json()):
        assert set(await userinfo(journey, made["access_token"])) == {"sub"}


async def test_a_person_is_asked_about_what_is_asked_by_name(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    await tokens(journey, browser, client, {})
    wanted = json.dumps({"userinfo": {"email": None}})
    silent = await browser.ask(client, scope="openid", claims=wanted, prompt="none")
    assert answered(silent)["error"] == "consent_required"
    to_consent = await browser.ask(client, scope="openid", claims=wanted)
    page = await browser.get(to_consent.headers["location"])
    assert "See your e-mail address" in page.text
    answered(await browser.decide(page, "allow"))
    assert "code" in answered(await browser.ask(client, scope="openid", claims=wanted))


async def test_the_parameter_is_no_way_around_what_a_client_may_have(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(scope=("openid", "read"))
    await browser.sign_in(await journey.person())
    wanted = {
        to: {"email": ESSENTIAL, "sub": None, "tenant": None} for to in ("userinfo", "id_token")
    }
    told = await tokens(journey, browser, client, wanted)
    assert set(await userinfo(journey, told["access_token"])) == {"sub"}
    assert "email" not in said(told["id_token"])


async def test_oidc_core_5_5_1_only_the_named_person_will_do(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(trusted=True)
    user_id = await journey.person()
    subject = await journey.subject(client, user_id)
    await browser.sign_in(user_id)

    async def error(sub: str) -> str | None:
        wanted = json.dumps({"id_token": {"sub": {"value": sub}}})
        answer = await browser.ask(client, claims=wanted, prompt="none")
        return answered(answer).get("error")

    assert await error(subject) is None
    assert await error("somebody-else") == "login_required"


@pytest.mark.parametrize("claims", ["[]", "{", '{"userinfo": 1}', "x" * 9000])
async def test_a_bad_parameter_is_told(journey: Server, browser: Browser, claims: str) -> None:
    client = await journey.client()
    assert answered(await browser.ask(client, claims=claims))["error"] == "invalid_request"


async def test_what_only_makes_the_page_nicer_never_fails(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    for nicety in (
        {"ui_locales": "xx !! de-CH"},
        {"display": "hologram"},
        {"login_hint": "x" * 5000},
        {"claims_locales": "§"},
        {"prompt": "create"},
    ):
        answer = await browser.ask(client, **nicety)
        assert answer.status_code == 303
        assert "/sign-" in answer.headers["location"]


async def test_a_client_may_have_its_scopes_claims_in_the_id_token(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(metadata={"scope_claims_in_id_token": True})
    await browser.sign_in(await journey.person())
    told = await tokens(journey, browser, client, {}, scope="openid email offline_access")
    first = said(told["id_token"])
    assert (first["email"], first["email_verified"]) == ("ada@app.example", True)
    assert "name" not in first
    again = await journey.refresh(client, told["refresh_token"], scope="openid")
    assert "email" not in said(again.json()["id_token"])


async def test_n049_a_scope_the_client_lost_is_told_in_no_id_token(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(metadata={"scope_claims_in_id_token": True})
    await browser.sign_in(await journey.person())
    told = await tokens(journey, browser, client, {}, scope="openid email offline_access")
    changes = ClientChanges(metadata={"scope": "openid offline_access"})
    await journey.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    again = await journey.refresh(client, told["refresh_token"])
    assert "email" not in said(again.json()["id_token"])


async def test_who_did_not_ask_for_it_finds_them_at_userinfo(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    told = await tokens(journey, browser, client, {}, scope="openid email")
    assert "email" not in said(told["id_token"])
    assert (await userinfo(journey, told["access_token"]))["email"] == "ada@app.example"
