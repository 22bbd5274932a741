"""A second factor and the steps after sign-in, at every door of the real application."""

from __future__ import annotations

from typing import Any

import pytest

from limen.tenants.policies.assurance import TWO_FACTORS
from limen.testing.visitor import Page
from tests.at_provider import new_account, sign_in_with
from tests.installation import CALLBACK, Installation, Person
from tests.oauth_client import Flow, claims_in
from tests.standings import EACH_ONCE
from tests.unit.mfa.kit import App

pytestmark = [pytest.mark.anyio, EACH_ONCE]


async def enrol(limen: Installation, person: Person, token: str) -> App:
    """Give somebody an app over the API; the step after this one has a code to spend yet."""
    begun = (await person.api("POST", "/api/v1/auth/mfa/totp", token, {})).json()
    app = App.of(limen.clock, begun["secret"])
    body = {"factor_id": begun["factor_id"], "code": app.code()}
    done = await person.api("POST", "/api/v1/auth/mfa/totp/confirm", token, body)
    assert done.status == 200, done.text
    return app


async def with_app(limen: Installation, **more: Any) -> tuple[Person, App]:
    person = await limen.person(**more)
    return person, await enrol(limen, person, (await limen.login(person))["access_token"])


async def code_given(person: Person, page: Page, code: str) -> Page:
    assert page.has("mfa-submit"), page.text[:500]
    return await person.browser.press(page, "mfa-submit", {"code": code})


async def test_the_pages_ask_for_the_code_and_the_id_token_says_so(limen: Installation) -> None:
    person, app = await with_app(limen)
    flow = Flow(limen, await limen.client(trusted=True))
    page = await person.browser.open(flow.url(acr_values=TWO_FACTORS))
    page = await person.browser.sign_in(person.email, person.password, at=page)
    page = await code_given(person, page, app.code(later=1))
    assert page.url.partition("?")[0] == CALLBACK
    tokens = (await flow.redeem(page.query["code"])).json()
    claims = claims_in(tokens["id_token"])
    assert (claims["acr"], claims["amr"]) == (TWO_FACTORS, ["pwd", "otp", "mfa"])
    assert claims_in(tokens["access_token"])["acr"] == TWO_FACTORS


async def test_a_session_of_one_factor_steps_up_for_who_asks(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    flow = Flow(limen, await limen.client(trusted=True))
    page = await person.browser.open(flow.url(acr_values=TWO_FACTORS))
    tokens = (await flow.redeem(page.query["code"])).json()
    assert "acr" not in claims_in(tokens["id_token"])
    person, app = await with_app(limen)
    page = await person.browser.open("/account")
    page = await person.browser.sign_in(person.email, person.password, at=page)
    page = await code_given(person, page, app.code(later=1))
    again = await person.browser.open(flow.url(acr_values=TWO_FACTORS, prompt="none"))
    tokens = (await flow.redeem(again.query["code"])).json()
    assert claims_in(tokens["id_token"])["acr"] == TWO_FACTORS


async def test_o8_a_provider_is_no_way_round_the_factor(limen: Installation) -> None:
    account = await new_account(limen)
    first = limen.browser()
    page = await sign_in_with(limen, first, account=account)
    assert page.url.startswith(f"{limen.issuer}/account"), page.text[:500]
    page = await first.open("/account/two-step")
    secret = page.text.partition('id="totp-secret">')[2].partition("<")[0]
    app = App.of(limen.clock, secret)
    page = await first.press(page, "mfa-submit", {"code": app.code()})
    assert page.has("recovery-codes-kept"), page.text[:500]
    second = limen.browser()
    page = await sign_in_with(limen, second, account=account)
    assert page.has("mfa-submit"), page.text[:500]
    me = await second.fetch("GET", "/api/v1/auth/me")
    assert me.status == 401
    page = await second.press(page, "mfa-submit", {"code": app.code(later=1)})
    assert page.url.startswith(f"{limen.issuer}/account")


async def test_an_administrator_takes_lost_factors_away_but_not_an_owners(
    limen: Installation,
) -> None:
    lost, _ = await with_app(limen)
    owner, _ = await with_app(limen, role="owner")
    admin = await limen.person(role="admin")
    token = (await limen.login(admin))["access_token"]
    path = f"/api/v1/admin/users/{lost.id}/factors"
    assert (await admin.api("GET", path, token)).json()["recovery_codes_left"] == 10
    assert (await admin.api("DELETE", path, token)).status == 204
    assert (await limen.login(lost))["access_token"]
    above = await admin.api("DELETE", f"/api/v1/admin/users/{owner.id}/factors", token)
    assert (above.status, above.json()["code"]) == (403, "role_above_own")


async def test_a_password_an_administrator_distrusts_is_replaced_on_the_way(
    limen: Installation,
) -> None:
    person = await limen.person()
    admin = await limen.person(role="admin")
    token = (await limen.login(admin))["access_token"]
    path = f"/api/v1/admin/users/{person.id}/require-password-change"
    assert (await admin.api("POST", path, token)).status == 204
    page = await person.browser.open("/account")
    page = await person.browser.sign_in(person.email, person.password, at=page)
    assert page.has("step-submit"), page.text[:500]
    chosen = "nine quiet herons on a roof"
    page = await person.browser.press(page, "step-submit", {"password": chosen})
    assert page.url.startswith(f"{limen.issuer}/account"), page.text[:500]


async def test_new_terms_are_put_to_everybody_before_a_code_goes_out(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    flow = Flow(limen, await limen.client(trusted=True))
    assert "code" in (await person.browser.open(flow.url())).query
    terms = {"version": "v7", "url": "https://example.org/terms"}
    await limen.set_policy(assurance={"terms": terms})
    try:
        silent = await person.browser.open(flow.url(prompt="none"))
        assert silent.query["error"] == "interaction_required"
        page = await person.browser.open(flow.url())
        page = await person.browser.press(page, "step-submit")
        assert "code" in page.query, page.text[:500]
    finally:
        await limen.set_policy(assurance=None)


async def test_a_native_app_signs_in_without_a_browser(limen: Installation) -> None:
    person, app = await with_app(limen)
    client = await limen.client(trusted=True, first_party=True)
    flow = Flow(limen, client)

    async def ask(**form: str) -> Page:
        return await limen.post("/oauth2/authorization_challenge", client, **form)

    begun = await ask(**flow.asking(client_id="", redirect_uri="", response_type=""))
    assert begun.json()["error"] == "insufficient_authorization", begun.text
    second = await ask(
        auth_session=begun.json()["auth_session"],
        username=person.email,
        password=person.password,
    )
    assert second.json()["required"] == "otp", second.text
    done = await ask(auth_session=second.json()["auth_session"], otp=app.code(later=1))
    assert done.status == 200, done.text
    tokens = await flow.redeem(done.json()["authorization_code"], redirect_uri="")
    assert claims_in(tokens.json()["id_token"])["amr"] == ["pwd", "otp", "mfa"]
