from __future__ import annotations

import re

from tests.installation import PASSWORD, Installation, new_address

NEW_PASSWORD = "another quite long passphrase 7"


async def test_sign_up_verify_sign_in_sign_out(limen: Installation) -> None:
    email, browser = new_address(), limen.browser()
    page = await browser.sign_up(email, PASSWORD)
    assert page.has("check-mail"), page.text
    page = await browser.open(await limen.link_to(email, "/verify-email"))
    page = await browser.press(page, "verify-submit")
    assert page.has("email-verified"), page.text

    page = await browser.sign_in(email, PASSWORD)
    assert page.url == f"{limen.issuer}/account"
    assert page.has("account")
    assert email in page.text

    page = await browser.open("/sign-out")
    kept = await browser.press(page, "logout-no")
    assert kept.url == f"{limen.issuer}/account"
    page = await browser.press(page, "logout-yes")
    assert page.has("logged-out")
    page = await browser.open("/account")
    assert page.has("sign-in-submit")


async def test_the_code_of_the_mail_verifies_too(limen: Installation) -> None:
    email, browser = new_address(), limen.browser()
    page = await browser.sign_up(email, PASSWORD)
    [mail] = await limen.mails(email)
    code = re.search(r"\b\d{3}[ -]?\d{3}\b|\b\d{6,8}\b", mail["text"])
    assert code is not None, mail["text"]
    page = await browser.press(page, "verify-submit", {"code": code[0]})
    assert page.has("email-verified"), page.text


async def test_recovery_ends_sessions_and_signs_nobody_in(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    page = await person.browser.open("/sign-in?reauth=1")
    stranger = limen.browser()
    page = await stranger.open("/forgot-password")
    page = await stranger.press(page, "forgot-submit", {"email": person.email})
    assert page.has("forgot-sent")
    page = await stranger.open(await limen.link_to(person.email, "/reset-password"))
    page = await stranger.press(page, "reset-submit", {"password": NEW_PASSWORD})
    assert page.has("reset-done"), page.text
    for browser in (stranger, person.browser):
        assert (await browser.open("/account")).has("sign-in-submit")
    person.password = NEW_PASSWORD
    assert (await person.sign_in()).has("account")


async def test_a_wrong_password_is_told_on_the_page(limen: Installation) -> None:
    person = await limen.person()
    page = await person.browser.sign_in(person.email, "not the password at all")
    assert page.status == 422
    assert page.has("sign-in-submit")
    assert 'role="alert"' in page.text or "error" in page.text
    assert "not the password" not in page.text
    assert (await person.sign_in()).has("account")


async def test_the_account_page_changes_the_password(limen: Installation) -> None:
    person = await limen.person()
    page = await person.sign_in()
    page = await person.browser.open("/account/password")
    fields = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    page = await person.browser.press(page, "password-submit", fields)
    assert page.has("account"), page.text
    await limen.login(type(person)(person.id, person.email, NEW_PASSWORD, person.browser))


async def test_every_page_has_its_headers(limen: Installation) -> None:
    browser = limen.browser()
    for path in ("/sign-in", "/sign-up", "/forgot-password", "/verify-email", "/no-such-page"):
        page = await browser.open(path, headers={"Accept": "text/html"})
        headers = page.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe-inline" not in headers["content-security-policy"], path
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


async def test_an_error_page_names_its_code(limen: Installation) -> None:
    page = await limen.browser().open("/no-such-page", headers={"Accept": "text/html"})
    assert page.status == 404
    assert page.has("error-page")
    assert page.has("error-code")
