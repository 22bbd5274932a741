"""An account ends for good: on its page, over JSON, by an administrator."""

from __future__ import annotations

from tests.flows.admin.test_admin_api import somebody
from tests.installation import Installation
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
ME = "/api/v1/auth/me"


async def test_n137_on_the_page_and_the_address_is_free_again(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    page = await person.browser.open("/account/close")
    assert person.email in page.text
    unsure = await person.browser.press(page, "close-submit")
    assert (unsure.status, 'href="#sure"' in unsure.text) == (422, True)
    assert 'aria-describedby="sure-error"' in unsure.text
    assert '<p class="error" id="sure-error">' in unsure.text
    done = await person.browser.press(unsure, "close-submit", {"sure": "yes"})
    assert 'id="account-closed"' in done.text
    assert (await person.browser.open("/account")).url.partition("?")[0].endswith("/sign-in")
    body = {"email": person.email, "password": person.password}
    assert (await limen.api.fetch("POST", "/api/v1/auth/login", body=body)).status == 401
    assert (await limen.api.fetch("POST", "/api/v1/auth/register", body=body)).status == 200
    again = (await limen.api.fetch("POST", "/api/v1/auth/login", body=body)).json()
    told = await person.api("GET", ME, again["access_token"])
    assert told.json()["id"] != person.id


async def test_over_json_it_takes_a_recent_sign_in_of_ones_own(limen: Installation) -> None:
    person = await limen.person()
    api = f"{limen.issuer}/api/v1"
    flow = Flow(limen, await limen.client(scope=("openid", "self"), default_resource=api))
    lent = await flow.tokens(person, scope="openid self", resource=api)
    told = await person.api("DELETE", ME, lent["access_token"])
    assert (told.status, told.json()["code"]) == (403, "first_party_only")
    limen.clock.advance(minutes=14)
    pair = await limen.login(person)
    limen.clock.advance(minutes=14, seconds=50)
    refresh = {"refresh_token": pair["refresh_token"]}
    later = await limen.api.fetch("POST", "/api/v1/auth/refresh", body=refresh)
    limen.clock.advance(minutes=1)
    stale = await person.api("DELETE", ME, later.json()["access_token"])
    assert (stale.status, stale.json()["code"]) == (403, "reauth_required")
    token = (await limen.login(person))["access_token"]
    assert (await person.api("DELETE", ME, token)).status == 204
    assert (await person.api("GET", ME, token)).status == 401


async def test_an_administrator_closes_accounts_but_none_above(limen: Installation) -> None:
    admin, auditor = await somebody(limen, "admin"), await somebody(limen, "auditor")
    owner, person = await limen.person(role="owner"), await limen.person()
    assert (await auditor.ask("DELETE", f"/users/{person.id}")).status == 403
    above = await admin.ask("DELETE", f"/users/{owner.id}")
    assert (above.status, above.json()["code"]) == (403, "role_above_own")
    assert (await admin.ask("POST", f"/users/{owner.id}/disable")).status == 403
    assert (await admin.ask("DELETE", f"/users/{person.id}")).status == 204
    assert (await admin.ask("GET", f"/users/{person.id}")).status == 404
