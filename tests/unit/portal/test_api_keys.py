from __future__ import annotations

import datetime as dt
import re

import httpx2
import pytest

from tests.house import PASSWORD
from tests.unit.portal.conftest import Portal
from tests.unit.portal.test_account import ADA, BOB, csrf_of, named
from tests.unit.signin.kit import Browser, error_code, form_with

pytestmark = pytest.mark.anyio
PATH = "/account/api-keys"


async def made(
    browser: Browser, page: httpx2.Response, *grants: str, **more: str
) -> httpx2.Response:
    pairs = [("csrf", csrf_of(page)), ("name", "Backup"), *(("grant", each) for each in grants)]
    return await browser.client.post(
        PATH,
        content=str(httpx2.QueryParams([*pairs, *more.items()])),
        headers={**browser.headers, "content-type": "application/x-www-form-urlencoded"},
    )


async def test_a_key_is_made_shown_once_used_and_revoked(portal: Portal) -> None:
    await portal.way.house.user(ADA)
    await portal.way.house.user(BOB)
    browser, actor = await portal.enter(ADA, PASSWORD)
    account = await portal.account(browser)
    assert 'id="make-api-key"' in account.text
    page = await browser.open(PATH)
    assert dict(form_with(page, "api-key-submit").fields)["days"] == "90"
    own = f"{portal.way.tenant.issuer}/api/v1"
    assert f'value="{own} self"' in page.text
    assert "users:write" not in page.text
    shown = await made(browser, page, f"{own} self", days="7")
    assert shown.status_code == 200, shown.text
    assert shown.headers["cache-control"] == "no-store"
    found = re.search(r'id="api-key">(lmk_[^<]+)<', shown.text)
    assert found is not None
    me = await portal.way.api("GET", "/me", token=found[1])
    assert me.json()["id"] == actor.id
    account = await portal.account(browser)
    assert ("Backup" in account.text, found[1] in account.text) == (True, False)
    [key_id] = named(account, "api-key")
    stranger, _ = await portal.enter(BOB, PASSWORD)
    theirs = {"csrf": csrf_of(await stranger.open("/sign-out")), "api_key": key_id}
    refused = await stranger.post(f"{PATH}/revoke", theirs)
    assert (refused.status_code, error_code(refused)) == (404, "api_key_not_found")
    done = await browser.post(f"{PATH}/revoke", {"csrf": csrf_of(account), "api_key": key_id})
    assert done.headers["location"] == "/account?done=api-key-revoked"
    assert (await portal.way.api("GET", "/me", token=found[1])).status_code == 401
    assert named(await portal.account(browser), "api-key") == []


async def test_what_is_wrong_is_said_on_the_form(portal: Portal) -> None:
    await portal.way.house.user(ADA)
    browser, _ = await portal.enter(ADA, PASSWORD)
    page = await browser.open(PATH)
    own = f"{portal.way.tenant.issuer}/api/v1"
    for grants, days in (
        ((), "7"),
        ((f"{own} self", "https://api.example read"), "7"),
        ((f"{own} users:write",), "7"),
        ((f"{own} self",), "4000"),
        ((f"{own} self",), "x"),
    ):
        again = await made(browser, page, *grants, days=days)
        assert again.status_code in {400, 422}, (grants, days)
        assert 'id="problems"' in again.text
    assert named(await portal.account(browser), "api-key") == []


async def test_it_takes_a_recent_sign_in_and_a_tenant_that_has_them(portal: Portal) -> None:
    await portal.way.house.user(ADA)
    browser, _ = await portal.enter(ADA, PASSWORD)
    page = await browser.open(PATH)
    portal.way.house.clock.advance(dt.timedelta(minutes=16))
    asked = await browser.open(PATH)
    assert asked.headers["location"].startswith("/sign-in?reauth=1")
    own = f"{portal.way.tenant.issuer}/api/v1"
    refused = await made(browser, page, f"{own} self")
    assert error_code(refused) == "reauth_required"
    portal.way.policy(api_keys={"people": False})
    assert 'id="api-keys"' not in (await portal.account(browser)).text
    other, _ = await portal.enter(ADA, PASSWORD)
    assert error_code(await other.open(PATH)) == "api_keys_off"
