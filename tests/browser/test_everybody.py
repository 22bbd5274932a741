from __future__ import annotations

import json
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.elsewhere import Elsewhere
from tests.browser.stage import Person, Stage, sign_in
from tests.interop.node_scripts import FOLDER

AXE: Final = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
MOST_STEPS: Final = 12
WHERE: Final = "document.activeElement.id"
IS_SEEN: Final = """
() => {
  const style = getComputedStyle(document.activeElement);
  return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
    || style.boxShadow !== "none";
}
"""
Scheme = Literal["light", "dark"]


def tab_to(page: Page, element_id: str) -> None:
    """Press Tab until an element has the focus; every stop on the way is to be seen."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        where = page.evaluate(WHERE)
        assert page.evaluate(IS_SEEN), f"the focus is not to be seen at #{where}"
        if where == element_id:
            return
    raise AssertionError(f"#{element_id} is not within {MOST_STEPS} steps of the keyboard")


def test_signing_in_and_consenting_by_keyboard_alone(
    page: Page, stage: Stage, person: Person, far: Elsewhere
) -> None:
    callback = f"{far.origin}/callback"
    page.goto(stage.authorization(stage.client(callback), callback))
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(person.email)
    tab_to(page, "password")
    page.keyboard.type(person.password)
    tab_to(page, "sign-in-submit")
    page.keyboard.press("Enter")
    expect(page.locator("#consent-allow")).to_be_visible()
    tab_to(page, "consent-allow")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{callback}?code=*")


def test_enter_in_the_password_field_signs_in_and_never_cancels(
    page: Page, stage: Stage, person: Person, far: Elsewhere
) -> None:
    callback = f"{far.origin}/callback"
    page.goto(stage.authorization(stage.client(callback), callback))
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(person.email)
    tab_to(page, "password")
    page.keyboard.type(person.password)
    page.keyboard.press("Enter")
    expect(page.locator("#consent-allow")).to_be_visible()


def find_violations(page: Page) -> list[str]:
    """Return what axe finds: the rule, how bad, where."""
    page.evaluate(AXE.read_text("utf-8"))  # past the page's policy, as a debugger is
    told = json.loads(page.evaluate("axe.run().then((found) => JSON.stringify(found.violations))"))
    return [
        f"{each['id']} ({each['impact']}) at {[node['target'] for node in each['nodes']]}"
        for each in told
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    chromium: Browser, stage: Stage, person: Person, far: Elsewhere, scheme: Scheme
) -> None:
    context = chromium.new_context(
        base_url=stage.url, color_scheme=scheme, viewport={"width": 360, "height": 740}
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}

    def look() -> None:
        found[page.title()] = find_violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url

    for path in ("/sign-in", "/sign-up", "/forgot-password", "/verify-email", "/no-such-page"):
        page.goto(path)
        look()
    page.goto("/sign-in")
    sign_in(page, Person(person.email, "not the password at all"))
    expect(page.locator("#problems")).to_be_visible()
    found["a refused sign-in"] = find_violations(page)

    callback = f"{far.origin}/callback"
    page.goto(stage.authorization(stage.client(callback), callback))
    sign_in(page, person)
    expect(page.locator("#consent-allow")).to_be_visible()
    look()
    page.click("#consent-allow")
    page.wait_for_url(f"{callback}?*")
    for path in (
        "/account",
        "/account/password",
        "/account/profile",
        "/account/link/google",
        "/account/connect/google",
        "/account/credentials/google",
        "/sign-out",
    ):
        page.goto(path)
        look()
    assert len(found) == 14
    assert {title: said for title, said in found.items() if said} == {}
    context.close()
