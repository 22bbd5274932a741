"""Keys for accounts elsewhere, on the pages: given, replaced, asked about, removed, never shown."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from limen.kernel.actor import Actor
from limen.vault.listing import ShownConnection, list_connections
from tests.giving import ADAS_KEY, ADAS_PAIR, GRACES_KEY, ROBOT, Giving, key_file
from tests.house import PASSWORD
from tests.unit.portal.conftest import Portal
from tests.unit.portal.test_account import ADA, BOB, csrf_of
from tests.unit.signin.kit import Browser, error_code, form_with

pytestmark = pytest.mark.anyio
NOTION = "/account/credentials/notion"
KEYRING = "/account/credentials/keyring"
GOOGLE = "/account/credentials/google"
WRONG = "wrong-key-of-nobody"


async def somebody(portal: Portal, email: str = ADA) -> tuple[Browser, Actor]:
    await portal.way.house.user(email)
    return await portal.enter(email, PASSWORD)


async def held(portal: Portal, actor: Actor) -> list[ShownConnection]:
    parts = portal.vault.parts
    return await portal.vault.run(
        lambda work: list_connections(work, parts, user_id=actor.id), actor=actor
    )


async def kept(browser: Browser, path: str, **typed: Any) -> httpx2.Response:
    """Fill in the form at a path and submit it."""
    return await browser.press(await browser.open(path), "credential-submit", typed)


async def test_a_key_is_given_replaced_asked_about_and_removed(portal: Portal) -> None:
    browser, actor = await somebody(portal)
    account = await portal.account(browser)
    assert 'id="give-notion"' in account.text
    page = await browser.open(NOTION)
    assert "Internal integration secret" in page.text
    assert 'autocomplete="new-password"' in page.text  # no browser fills in the password for here
    done = await kept(browser, NOTION, key=ADAS_KEY)
    assert done.headers["location"] == "/account?done=connected"
    [shown] = await held(portal, actor)
    at = f"/account/connections/{shown.id}"
    page = await browser.open(at)
    assert "Your key" in page.text
    assert 'id="reconnect"' not in page.text
    for answer in (done, page, await portal.account(browser)):
        assert ADAS_KEY not in answer.text
    page = await browser.press(page, "credential-verify")
    assert page.headers["location"] == "/account?done=key-taken"
    page = await browser.open(f"{at}/credential")
    assert dict(form_with(page, "credential-submit").fields)["generation"] == "1"
    replaced = await browser.press(page, "credential-submit", {"key": ADAS_KEY})
    assert replaced.headers["location"] == "/account?done=key-replaced"
    # Two pages were open: what was replaced since is not written over unseen.
    late = await browser.press(page, "credential-submit", {"key": ADAS_KEY})
    assert late.status_code == 409
    assert 'id="problems"' in late.text
    other = await kept(browser, f"{at}/credential", key=GRACES_KEY)
    assert other.status_code == 409  # another account's
    assert GRACES_KEY not in other.text
    page = await browser.open(at)
    gone = await browser.press(page, "disconnect-submit")
    assert gone.headers["location"] == "/account?done=disconnected"
    assert await held(portal, actor) == []


async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_echoed(portal: Portal) -> None:
    browser, actor = await somebody(portal)
    await Giving(portal.vault).describe()
    robot = {"service_account": json.dumps(key_file("no key"))}
    for path, typed, field in (
        (NOTION, {"key": WRONG}, "key"),
        (NOTION, {"key": "two words-of-it"}, "key"),
        (NOTION, {}, "key"),
        (f"{KEYRING}?kind=basic", {"username": "ada", "password": WRONG}, "password"),
        (f"{KEYRING}?kind=basic", {"username": "a:b", "password": WRONG}, "username"),
        (f"{KEYRING}?kind=client_credentials", {"client_id": "x", "client_secret": WRONG}, "client_secret"),
        (f"{KEYRING}?kind=service_account", {"service_account": f'{{"{WRONG}"'}, "service_account"),
        (f"{KEYRING}?kind=service_account", {"service_account": f'["{WRONG}"]'}, "service_account"),
        (f"{KEYRING}?kind=service_account", robot, "service_account"),
    ):  # fmt: skip
        again = await kept(browser, path, **typed)
        assert again.status_code == 422, (path, typed, again.text[:300])
        assert f'<a href="#{field}">' in again.text, (path, typed)
        assert f'id="{field}-error"' in again.text
        assert 'aria-invalid="true"' in again.text
        for secret in (WRONG, "two words-of-it", "no key"):
            assert secret not in again.text
    assert await held(portal, actor) == []


async def test_names_are_filled_in_again_and_keys_that_stand_for_them_are_not(
    portal: Portal,
) -> None:
    browser, actor = await somebody(portal)
    giving = Giving(portal.vault)
    for may_omit in (False, True):
        proof = {"url": f"{portal.vault.simulated.base_url}/keyring/me"}
        rule = {"title": "Pair", "verify": proof, "may_omit_password": may_omit}
        await giving.describe(credentials={"basic": rule})
        again = await kept(browser, KEYRING, username="sk-a-name-alone", password="")
        assert again.status_code == 422
        assert ("sk-a-name-alone" in again.text) is not may_omit
        assert ("given a key and no password" in again.text) is may_omit
    assert await held(portal, actor) == []


async def test_a_service_account_is_pasted_for_what_it_is_for(portal: Portal) -> None:
    browser, actor = await somebody(portal)
    private = await Giving(portal.vault).robot()
    page = await browser.open(GOOGLE)
    assert "<textarea" in page.text
    pasted = json.dumps(key_file(private), indent=2).replace("\n", "\r\n")  # as browsers send it
    csrf = csrf_of(page)
    sent = {"csrf": csrf, "kind": "service_account", "service_account": pasted}
    none = await browser.post(GOOGLE, sent)
    assert none.status_code == 422
    assert 'id="features-error"' in none.text
    assert "PRIVATE KEY" not in none.text
    done = await browser.post(GOOGLE, {**sent, "feature": "calendar_read"})
    assert done.headers["location"] == "/account?done=connected", done.text[:500]
    [shown] = await held(portal, actor)
    assert (shown.label, shown.kind, shown.features) == (
        ROBOT,
        "service_account",
        {"calendar_read": "active"},
    )


async def test_each_kind_has_a_page_of_its_own(portal: Portal) -> None:
    browser, actor = await somebody(portal)
    await Giving(portal.vault).describe()
    page = await browser.open(KEYRING)
    for kind in ("api_key", "basic", "client_credentials", "service_account"):
        assert f'id="kind-{kind}"' in page.text
        shown = await browser.open(f"{KEYRING}?kind={kind}")
        assert f'<strong id="kind-{kind}" aria-current="page">' in shown.text
    done = await kept(browser, f"{KEYRING}?kind=basic", **ADAS_PAIR)
    assert done.status_code == 303
    [shown_one] = await held(portal, actor)
    assert (shown_one.kind, shown_one.label) == ("basic", "key-ada")
    assert error_code(await browser.open(f"{KEYRING}?kind=other")) == "credential_kind_unknown"
    assert error_code(await browser.open("/account/credentials/nobody")) == "provider_unknown"


async def test_a_key_is_its_owners_and_takes_a_form_of_ours(portal: Portal) -> None:
    browser, actor = await somebody(portal)
    stranger, other = await somebody(portal, BOB)
    await kept(browser, NOTION, key=ADAS_KEY)
    [shown] = await held(portal, actor)
    at = f"/account/connections/{shown.id}"
    csrf = csrf_of(await stranger.open("/sign-out"))
    for path, typed in (
        (f"{at}/credential", {"key": GRACES_KEY, "generation": "1"}),
        (f"{at}/verify", {}),
    ):
        refused = await stranger.post(path, {"csrf": csrf, **typed})
        assert error_code(refused) == "connection_not_found"
        assert (await browser.post(path, {"csrf": "forged", **typed})).status_code == 403
    assert error_code(await stranger.open(f"{at}/credential")) == "connection_not_found"
    forged = await stranger.post(NOTION, {"csrf": "forged", "kind": "api_key", "key": ADAS_KEY})
    assert forged.status_code == 403
    assert await held(portal, other) == []
    consent = await portal.vault.connect(actor, features=("calendar_read",))
    page = await browser.open(f"/account/connections/{consent}/credential")
    assert error_code(page) == "credential_kind_mismatch"
    nobody = await portal.way.browser().open(NOTION)
    assert nobody.headers["location"].startswith("/sign-in?")


async def test_a_provider_that_does_not_answer_changes_nothing(portal: Portal) -> None:
    browser, actor = await somebody(portal)
    fault = {"me": [{"kind": "status", "status": 500}]}
    await portal.vault.simulated.order("notion", faults=fault)
    again = await kept(browser, NOTION, key=ADAS_KEY)
    assert again.status_code >= 500, again.status_code
    assert "nothing was changed" in again.text
    assert ADAS_KEY not in again.text
    assert await held(portal, actor) == []
