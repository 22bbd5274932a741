from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.stage import Person, Stage, new_address, open_mail, sign_in
from tests.servers import PASSWORD

NEW_PASSWORD = "another quite long passphrase 7"


def test_sign_up_verify_sign_in_and_sign_out(any_page: Page) -> None:
    page, person = any_page, Person(new_address())
    page.goto("/sign-in")
    page.get_by_role("link", name="Create an account").click()
    page.fill("[name=name]", "Ada Lovelace")
    page.fill("[name=email]", person.email)
    page.fill("[name=password]", PASSWORD)
    page.click("#sign-up-submit")
    expect(page.locator("#check-mail")).to_contain_text(person.email)

    open_mail(page, person)
    page.locator("#mail-links a").first.click()
    page.click("#verify-submit")
    expect(page.locator("#email-verified")).to_be_visible()
    page.click("#go-sign-in")
    sign_in(page, person)
    expect(page.locator("#account")).to_have_text("Ada Lovelace")
    expect(page.locator(".tag.good")).to_have_text("confirmed")

    page.click("#go-sign-out")
    page.click("#logout-no")
    expect(page.locator("#account")).to_be_visible()
    page.click("#go-sign-out")
    page.click("#logout-yes")
    expect(page.locator("#logged-out")).to_be_visible()
    page.goto("/account")
    expect(page.locator("#sign-in-submit")).to_be_visible()


def test_recovery_by_the_link_of_the_mail(any_page: Page, stage: Stage) -> None:
    page, person = any_page, stage.person()
    page.goto("/sign-in")
    page.get_by_role("link", name="Forgot it?").click()
    page.fill("[name=email]", person.email)
    page.click("#forgot-submit")
    expect(page.locator("#forgot-sent")).to_be_visible()

    # The mail of the registration may be there already, and the newest is wanted.
    link = page.locator("#mail-links a", has_text="/reset-password")
    for _ in range(200):
        open_mail(page, person)
        if link.count():
            break
    link.click()
    page.fill("[name=password]", NEW_PASSWORD)
    page.click("#reset-submit")
    expect(page.locator("#reset-done")).to_be_visible()
    page.click("#go-sign-in")
    sign_in(page, person)
    expect(page.locator("#problems")).to_be_visible()
    sign_in(page, Person(person.email, NEW_PASSWORD))
    expect(page.locator("#account")).to_be_visible()


def test_what_is_wrong_is_said_beside_the_field_and_takes_the_focus(page: Page) -> None:
    page.goto("/sign-up")
    page.fill("[name=email]", new_address())
    page.fill("[name=password]", "too short")
    page.click("#sign-up-submit")
    expect(page.locator("#problems")).to_be_focused()
    expect(page.locator("#password-error")).to_be_visible()
    expect(page.locator("[name=password]")).to_have_attribute("aria-invalid", "true")
    assert page.input_value("[name=password]") == ""


def test_connecting_google_from_the_account_page(any_page: Page, person: Person) -> None:
    page = any_page
    page.goto("/account")
    sign_in(page, person)
    page.click("#connect-google")
    expect(page.locator("#local-user")).to_contain_text(person.email)
    page.click("#connect-continue")
    page.locator("[id^=account-]").last.click()  # nobody else connects that one
    page.click("#allow")
    expect(page.locator("#connections [data-connection]")).to_have_count(1)
    page.locator("[id^=manage-]").click()
    expect(page.locator("#health")).to_have_text("works")
    expect(page.locator("#ending")).to_contain_text("Google is told to forget us")
    page.click("#disconnect-submit")
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("#connections [data-connection]")).to_have_count(0)


def test_the_account_page_ends_another_session(
    any_page: Page, chromium: Browser, stage: Stage, person: Person
) -> None:
    other = chromium.new_context(base_url=stage.url)
    elsewhere = other.new_page()
    elsewhere.goto("/account")
    sign_in(elsewhere, person)
    any_page.goto("/account")
    sign_in(any_page, person)
    sessions = any_page.locator("#sessions [data-session]")
    expect(sessions).to_have_count(2)
    any_page.get_by_role("button", name="End the session of").first.click()
    expect(sessions).to_have_count(1)
    expect(sessions).to_contain_text("this one")
    elsewhere.reload()
    expect(elsewhere.locator("#sign-in-submit")).to_be_visible()
    other.close()


def test_signing_in_with_google_makes_an_account(any_page: Page) -> None:
    page = any_page
    page.goto("/sign-in")
    page.click("#provider-google")
    page.locator("[id^=account-]").first.click()
    allow = page.locator("#allow")
    expect(allow.or_(page.locator("#account"))).to_be_visible()
    if allow.count():  # Google remembers what was allowed before
        allow.click()
    expect(page.locator("#account")).to_be_visible()
