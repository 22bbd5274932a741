from __future__ import annotations

import re

from playwright.sync_api import Page, ViewportSize, expect

from limen.kernel.clock import SystemClock
from tests.browser.elsewhere import Elsewhere
from tests.browser.stage import Person, Stage, sign_in
from tests.browser.test_everybody import find_violations
from tests.patience import until_now
from tests.unit.mfa.kit import App

NARROW: ViewportSize = {"width": 360, "height": 740}
IS_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def set_up(page: Page, person: Person) -> tuple[App, list[str]]:
    """Turn two-step sign-in on, on the account page."""
    page.goto("/account")
    sign_in(page, person)
    page.click("#two-step-manage")
    page.click("summary")
    secret = page.inner_text("#totp-secret")
    app = App.of(SystemClock(), secret)
    page.fill("#mfa-code", app.code())
    page.click("#mfa-submit")
    shown = page.locator("#recovery-codes code")
    expect(shown).to_have_count(10)  # none are there before the next page is
    return app, shown.all_inner_texts()


def test_setting_up_and_signing_in_with_a_code(
    any_page: Page, stage: Stage, person: Person, far: Elsewhere
) -> None:
    page = any_page
    app, codes = set_up(page, person)
    assert len(codes) == 10
    page.click("#recovery-codes-kept")
    expect(page.locator("#done")).to_contain_text("is on")
    page.context.clear_cookies()
    callback = f"{far.origin}/callback"
    page.goto(stage.authorization(stage.client(callback), callback))
    sign_in(page, person)
    page.fill("#mfa-code", "000000")
    page.click("#mfa-submit")
    expect(page.locator("#code-error")).to_be_visible()
    page.fill("#mfa-code", app.code(later=1))
    page.click("#mfa-submit")
    page.click("#consent-allow")
    page.wait_for_url(f"{callback}?code=*")


def test_a_recovery_code_lets_in_and_two_steps_can_be_turned_off(
    page: Page, stage: Stage, person: Person
) -> None:
    assert stage.url
    _, codes = set_up(page, person)
    page.context.clear_cookies()
    page.goto("/account")
    sign_in(page, person)
    page.fill("#mfa-code", codes[0])
    page.click("#mfa-submit")
    expect(page.locator("#two-step")).to_contain_text("9 recovery codes left")
    page.click("#two-step-manage")
    page.click("#codes-renew")
    assert page.locator("#recovery-codes code").first.inner_text() not in codes
    page.click("#recovery-codes-kept")
    page.click("#two-step-manage")
    page.click("#two-step-remove")
    expect(page.locator("#done")).to_contain_text("is off")


def test_the_pages_are_for_everybody(page: Page, person: Person) -> None:
    page.set_viewport_size(NARROW)
    page.goto("/account")
    sign_in(page, person)
    page.click("#two-step-manage")
    _check(page)
    page.click("summary")
    page.fill("#mfa-code", "000000")
    page.click("#mfa-submit")
    _check(page)
    app = App.of(SystemClock(), page.text_content("#totp-secret") or "")
    page.fill("#mfa-code", app.code())
    page.click("#mfa-submit")
    _check(page)
    page.click("#recovery-codes-kept")
    _check(page)
    page.click("#two-step-manage")
    _check(page)
    page.context.clear_cookies()
    page.goto("/account")
    sign_in(page, person)
    until_now(lambda: re.search("/sign-in/step", page.url) is not None, "no step was asked")
    _check(page)


def _check(page: Page) -> None:
    assert find_violations(page) == []
    assert not page.evaluate(IS_TOO_WIDE), f"{page.url} is wider than its window"
