"""A key for an account elsewhere, by keyboard alone, with scripts and without."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.stage import Person, Stage, sign_in
from tests.giving import ADAS_KEY


def test_a_key_is_given_replaced_and_removed_by_keyboard(
    any_page: Page, stage: Stage, person: Person
) -> None:
    page = any_page
    page.goto(f"{stage.url}/sign-in")
    sign_in(page, person)
    page.wait_for_url("**/account*")
    page.locator("#give-notion").press("Enter")
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.type("not-a-key")
    page.keyboard.press("Enter")
    expect(page.locator("#problems")).to_be_focused()
    expect(page.locator("#key")).to_have_value("")
    expect(page.locator("#key")).to_have_attribute("aria-describedby", "key-error")
    page.locator("#problems a").press("Enter")
    page.fill("#key", ADAS_KEY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account?done=connected")
    page.locator("a[id^=manage-]").first.press("Enter")
    page.locator("#credential-replace").press("Enter")
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.type(ADAS_KEY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account?done=key-replaced")
    page.locator("a[id^=manage-]").first.press("Enter")
    page.locator("#disconnect-submit").press("Enter")
    page.wait_for_url("**/account?done=disconnected")
