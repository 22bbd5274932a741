from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from limen.testing.visitor import Page
from tests.installation import CALLBACK, Installation
from tests.oauth_client import Flow, claims_in

pytestmark = pytest.mark.anyio


def ended(page: Page, at: str = CALLBACK) -> dict[str, str]:
    """What the client is told, at its own address."""
    assert page.status == 0, (page.status, page.url, page.text[:800])
    assert page.url.partition("?")[0] == at
    return page.query


async def test_sign_in_consent_and_a_code_with_iss_and_state(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client()), await limen.person()
    page = await person.browser.open(flow.url(state="s-1"))
    assert urlsplit(page.url).path == urlsplit(limen.issuer).path + "/sign-in"
    page = await person.browser.sign_in(person.email, person.password, at=page)
    assert urlsplit(page.url).path == urlsplit(limen.issuer).path + "/consent"
    assert person.email in page.text
    assert "app.example" in page.text
    told = ended(await person.browser.press(page, "consent-allow"))
    assert (told["state"], told["iss"]) == ("s-1", limen.issuer)
    assert (await flow.redeem(told["code"])).status == 200


async def test_signing_up_on_the_way(limen: Installation) -> None:
    flow, browser = Flow(limen, await limen.client()), limen.browser()
    page = await browser.open(flow.url(prompt="create"))
    assert page.has("sign-up-submit")


async def test_the_second_visit_asks_nobody(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client()), await limen.person()
    await flow.code(person)
    assert "code" in ended(await person.browser.open(flow.url()))
    assert "code" in ended(await person.browser.open(flow.url(prompt="none")))


async def test_cancel_and_deny_end_at_the_client(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client()), await limen.person()
    page = await person.browser.open(flow.url(state="s-2"))
    told = ended(await person.browser.press(page, "sign-in-cancel"))
    assert (told["error"], told["state"]) == ("access_denied", "s-2")
    page = await person.browser.open(flow.url())
    page = await person.browser.sign_in(person.email, person.password, at=page)
    assert ended(await person.browser.press(page, "consent-deny"))["error"] == "access_denied"


async def test_form_post_by_hand(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client()), await limen.person()
    page = await flow.authorize(person, response_mode="form_post")
    form = page.form_with("form-post-submit")
    assert (form.method, form.action) == ("post", CALLBACK)
    sent = dict(form.fields)
    assert sent["iss"] == limen.issuer
    assert (await flow.redeem(sent["code"])).status == 200


async def test_a_request_by_post(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client(trusted=True)), await limen.person()
    await person.sign_in()
    headers = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    answer = await person.browser.fetch(
        "POST", "/oauth2/authorize", form=flow.asking(), headers=headers
    )
    assert answer.status == 303
    again = await person.browser.open(limen.root + answer.headers["location"])
    assert "code" in ended(again)


async def test_signing_in_anew_moves_auth_time(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client(trusted=True)), await limen.person()
    first = claims_in((await flow.tokens(person))["id_token"])
    limen.clock.advance(minutes=5)
    page = await person.browser.open(flow.url(prompt="login"))
    assert page.has("sign-in-submit")
    told = ended(await person.browser.sign_in(person.email, person.password, at=page))
    second = claims_in((await flow.redeem(told["code"])).json()["id_token"])
    assert second["auth_time"] >= first["auth_time"] + 300
    assert second["sub"] == first["sub"]
    limen.clock.advance(minutes=5)
    told = ended(await person.browser.open(flow.url(max_age="60", prompt="none")))
    assert told["error"] == "login_required"


async def test_an_access_token_signs_nobody_in(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client(trusted=True)), await limen.person()
    pair = await limen.login(person)
    page = await person.api("GET", flow.url(prompt="none"), pair["access_token"])
    assert page.status == 303
    assert "error=login_required" in page.headers["location"]


async def test_the_wrong_person_is_told_apart(limen: Installation) -> None:
    client = await limen.client(trusted=True)
    flow, ada, eve = Flow(limen, client), await limen.person(), await limen.person()
    hint = (await flow.tokens(ada))["id_token"]
    page = await eve.browser.open(flow.url(id_token_hint=hint))
    told = ended(await eve.browser.sign_in(eve.email, eve.password, at=page))
    assert told["error"] == "login_required"
    assert "code" in ended(await ada.browser.open(flow.url(id_token_hint=hint)))


async def test_errors_before_the_redirect_uri_is_known_are_pages(limen: Installation) -> None:
    flow, browser = Flow(limen, await limen.client()), limen.browser()
    for changes in ({"client_id": "nobody"}, {"redirect_uri": "https://evil.example/cb"}):
        page = await browser.open(flow.url(**changes))
        assert page.status == 400
        assert page.has("error-page")
        assert page.has("error-code")
    page = await browser.open(flow.url(scope="nonsense"))
    assert ended(page)["error"] == "invalid_scope"


async def test_withdrawing_consent_ends_the_tokens(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client()), await limen.person()
    tokens = await flow.tokens(person)
    code = await flow.code(person)
    pair = await limen.login(person)
    listed = (await person.api("GET", "/api/v1/consents", pair["access_token"])).json()
    (consent,) = listed["items"]
    assert consent["client"]["client_id"] == flow.client.id
    path = f"/api/v1/consents/{consent['id']}"
    stranger = await limen.login(await limen.person())
    assert (await person.api("DELETE", path, stranger["access_token"])).status == 404
    assert await flow.is_active(tokens["access_token"])
    assert (await person.api("DELETE", path, pair["access_token"])).status == 204
    assert not await flow.is_active(tokens["access_token"])
    assert (await flow.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await flow.redeem(code)).json()["error"] == "invalid_grant"
    assert (await person.browser.open(flow.url())).has("consent-allow")


async def test_an_ended_session_takes_its_codes_along(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client(trusted=True)), await limen.person()
    code = await flow.code(person)
    pair = await limen.login(person)
    ended_others = await person.api("DELETE", "/api/v1/auth/sessions", pair["access_token"])
    assert ended_others.json()["ended"] == 1
    assert (await flow.redeem(code)).json()["error"] == "invalid_grant"
