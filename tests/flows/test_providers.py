from __future__ import annotations

from typing import Any

from limen.testing.forms import forms_in
from tests.at_provider import (
    agree,
    connect,
    leave_to_connect,
    new_account,
    seen_by,
    sign_in_with,
)
from tests.installation import Installation, Person
from tests.patience import until

ADA = "108000000000000000001"
GRACE = "108000000000000000002"


async def _connections(limen: Installation, person: Person) -> tuple[str, list[dict[str, Any]]]:
    token = (await limen.login(person))["access_token"]
    listed = await person.api("GET", "/api/v1/oauth/connections", token)
    assert listed.status == 200, listed.text
    return token, listed.json()["items"]


async def test_connect_google_and_fetch_a_token_that_is_kept_fresh(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    account = await new_account(limen)
    before = set((await seen_by(limen, "google"))["live_refresh_tokens"])
    page = await connect(limen, person, account=account)
    assert page.url.startswith(f"{limen.issuer}/account"), page.text[:500]
    [given] = set((await seen_by(limen, "google"))["live_refresh_tokens"]) - before
    own, [connection] = await _connections(limen, person)
    assert (connection["provider"], connection["state"]) == ("google", "active")
    assert connection["account"].startswith("own")
    path = f"/api/v1/oauth/connections/{connection['id']}/token"
    first = await person.api("GET", path, own)
    assert first.status == 200, first.text
    assert first.headers["cache-control"] == "no-store"
    assert (await person.api("GET", path, own)).json()["access_token"] == (
        first.json()["access_token"]
    )

    limen.clock.advance(hours=2)
    own = (await limen.login(person))["access_token"]
    second = await person.api("GET", path, own)
    assert second.status == 200, second.text
    assert second.json()["access_token"] != first.json()["access_token"]
    assert second.json()["generation"] > first.json()["generation"]

    gone = await person.api("DELETE", path.removesuffix("/token"), own)
    assert gone.status == 200, gone.text
    assert (await person.api("GET", path, own)).status == 404

    async def is_revoked() -> bool:
        await limen.settle()
        return given in (await seen_by(limen, "google"))["revocations"]

    await until(is_revoked, "the provider was not told")


async def test_f35_a_connection_is_renewed_with_its_own_account_alone(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    mine, other = await new_account(limen), await new_account(limen)
    await connect(limen, person, account=mine)
    _, [before] = await _connections(limen, person)
    page = await person.browser.open(f"/account/connections/{before['id']}")
    assert page.has("health"), page.text[:500]
    path = f"/account/connect/google?connection={before['id']}"
    for account, has_error in ((other, True), (mine, False)):
        page = await person.browser.open(path)
        form = page.form_with("connect-continue")
        left = await person.browser.fetch("POST", "/account/connect/google", form=form.fields)
        assert left.status == 303, left.text[:500]
        untold = left.headers["location"].replace("login_hint=", "_=")
        page = await person.browser.open(await agree(limen, untold, account=account))
        assert page.has("error-page") == has_error, page.text[:500]
    _, [after] = await _connections(limen, person)
    assert after["id"] == before["id"]
    assert after["generation"] > before["generation"]


async def test_connect_notion_over_json_by_a_link(limen: Installation) -> None:
    person = await limen.person()
    own = (await limen.login(person))["access_token"]
    asked = await person.api("POST", "/api/v1/oauth/notion/connect", own, {})
    assert asked.status == 200, asked.text
    link = asked.json()["link_url"]
    assert link.startswith(limen.issuer)
    page = await person.browser.open(link)
    page = await person.browser.sign_in(person.email, person.password, at=page)
    assert page.has("connect-continue"), page.text[:500]
    form = page.form_with("connect-continue")
    left = await person.browser.fetch("POST", page.url, form=form.fields)
    back = await agree(limen, left.headers["location"])
    page = await person.browser.open(back)
    assert (await _connections(limen, person))[1] == []
    assert person.email in page.text
    page = await person.browser.press(page, "confirm-connect")
    assert page.has("account"), page.text[:500]
    _, [connection] = await _connections(limen, person)
    assert connection["provider"] == "notion"


async def test_the_link_of_one_is_nothing_to_another(limen: Installation) -> None:
    person, other = await limen.person(), await limen.person()
    own = (await limen.login(person))["access_token"]
    link = (await person.api("POST", "/api/v1/oauth/notion/connect", own, {})).json()["link_url"]
    await other.sign_in()
    page = await other.browser.open(link)
    assert (page.status, page.has("error-page")) == (422, True), page.text[:500]


async def test_connecting_ends_with_the_person_it_began_with(limen: Installation) -> None:
    person, other = await limen.person(), await limen.person()
    await person.sign_in()
    await other.sign_in()
    back = await agree(limen, await leave_to_connect(person))
    page = await other.browser.open(back)
    assert page.status in {400, 403, 404}, page.text[:500]
    for someone in (person, other):
        assert (await _connections(limen, someone))[1] == []


async def test_a_connections_page_disconnects(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    await connect(limen, person, account=GRACE)
    _, [connection] = await _connections(limen, person)
    page = await person.browser.open(f"/account/connections/{connection['id']}")
    [form] = [form for form in forms_in(page.text) if form.action.endswith("/disconnect")]
    sent = await person.browser.fetch("POST", _absolute(limen, form.action), form=form.fields)
    assert sent.status == 303, sent.text[:500]
    assert (await _connections(limen, person))[1] == []


def _absolute(limen: Installation, path: str) -> str:
    return limen.root + path


async def test_sign_in_with_google_makes_one_account(limen: Installation) -> None:
    first = limen.browser()
    page = await sign_in_with(limen, first, account=ADA)
    assert page.url == f"{limen.issuer}/account", (page.url, page.text[:800])
    me = (await first.fetch("GET", "/api/v1/auth/me")).json()
    assert (me["email"], me["email_verified"], me["amr"]) == ("ada@example.test", True, ["fed"])
    again = limen.browser()
    await sign_in_with(limen, again, account=ADA)
    assert (await again.fetch("GET", "/api/v1/auth/me")).json()["id"] == me["id"]
    listed = (await again.fetch("GET", "/api/v1/auth/oauth2/providers")).json()
    assert "google" in [item["id"] for item in listed["items"]]
    page = await limen.browser().open("/sign-in")
    assert page.has("provider-google") or "google" in page.text.lower()


async def test_an_address_that_is_taken_asks_for_its_mailbox(limen: Installation) -> None:
    local = await limen.person("grace@example.test")
    stranger = limen.browser()
    page = await sign_in_with(limen, stranger, account=GRACE)
    assert page.has("prove-why"), page.text[:500]
    assert (await stranger.fetch("GET", "/api/v1/auth/me")).status == 401
    await local.sign_in()
