from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from limen.protocol.client_metadata import CIBA, DEVICE_CODE
from tests.browser.stage import Person, Stage, sign_in
from tests.browser.test_everybody import find_violations
from tests.installation import basic

NARROW: ViewportSize = {"width": 360, "height": 740}
IS_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def _post(stage: Stage, path: str, headers: dict[str, str], **form: str) -> Any:
    sent = urllib.request.Request(stage.url + path, urllib.parse.urlencode(form).encode(), headers)
    with urllib.request.urlopen(sent, timeout=20) as answer:
        return json.loads(answer.read())


@pytest.fixture
def device(stage: Stage) -> dict[str, str]:
    made = stage.register(name="Living Room TV", type="native", grant_types=[DEVICE_CODE])
    form = {"client_id": made["client_id"], "scope": "openid profile email"}
    return dict(_post(stage, "/oauth2/device_authorization", {}, **form))


def test_typing_a_devices_code_and_allowing_it(
    any_page: Page, person: Person, device: dict[str, str]
) -> None:
    page = any_page
    page.goto(device["verification_uri_complete"])
    sign_in(page, person)
    expect(page.locator("#user-code")).to_have_value("")
    page.fill("#user-code", "BBBB-BBBB")
    page.click("#user-code-submit")
    expect(page.locator("#user-code-error")).to_contain_text("close this page")
    page.fill("#user-code", device["user_code"].lower())
    page.click("#user-code-submit")
    expect(page.locator("#approve-warning")).to_contain_text("just started it yourself")
    expect(page.locator("#consent-scopes")).to_contain_text("See your e-mail address")
    page.click("#consent-allow")
    expect(page.locator("#approved")).to_be_visible()


def test_denying_a_device(page: Page, person: Person, device: dict[str, str]) -> None:
    page.goto(device["verification_uri"])
    sign_in(page, person)
    page.fill("#user-code", device["user_code"])
    page.click("#user-code-submit")
    page.click("#consent-deny")
    expect(page.locator("#denied")).to_be_visible()


def test_what_a_server_asks_waits_on_the_account_page(
    any_page: Page, stage: Stage, person: Person
) -> None:
    _have_asked(stage, person)
    page = any_page
    page.goto("/account")
    sign_in(page, person)
    page.click("#approvals a")
    expect(page.locator("#approve-binding")).to_have_text("W4SCT")
    page.click("#consent-allow")
    page.click("#go-account")
    expect(page.locator("#account")).to_be_visible()
    expect(page.locator("#approvals")).to_have_count(0)


def _have_asked(stage: Stage, person: Person) -> None:
    made = stage.register(name="The Bank", type="machine", grant_types=[CIBA])
    headers = basic(made["client_id"], made["client_secret"])
    hint = stage.subject(person)
    form = {"scope": "openid email", "login_hint": hint, "binding_message": "W4SCT"}
    _post(stage, "/oauth2/bc-authorize", headers, **form)


def test_the_pages_are_for_everybody(
    page: Page, stage: Stage, person: Person, device: dict[str, str]
) -> None:
    _have_asked(stage, person)
    page.set_viewport_size(NARROW)
    page.goto(device["verification_uri_complete"])
    sign_in(page, person)
    expect(page.locator("#user-code")).to_be_focused()
    _check(page)
    page.keyboard.type("BBBB-BBBB")
    page.keyboard.press("Enter")
    expect(page.locator("#user-code-error")).to_be_visible()
    _check(page)
    page.fill("#user-code", device["user_code"])
    page.keyboard.press("Enter")
    expect(page.locator("#consent-allow")).to_be_visible()
    _check(page)
    page.goto("/account")
    _check(page)
    page.click("#approvals a")
    _check(page)
    page.click("#consent-deny")
    _check(page)


def _check(page: Page) -> None:
    assert find_violations(page) == []
    assert not page.evaluate(IS_TOO_WIDE), f"{page.url} is wider than its window"
