from __future__ import annotations

import datetime as dt
import re

import pytest

from limen.accounts.passwords.change_due import require_password_change
from limen.signin.continue_url import sign_continue
from tests.house import OTHER_PASSWORD, PASSWORD
from tests.unit.mfa.kit import App, enrolled
from tests.unit.signin.kit import Browser, WayIn

pytestmark = pytest.mark.anyio
ADA = "ada@example.org"
CONTINUE = "/oauth2/authorize/continue?interaction=abc"
TERMS = {"version": "2026-11", "url": "https://example.org/terms"}


async def arrive(way: WayIn, browser: Browser, password: str = PASSWORD) -> str:
    """Sign in from an authorization request; return the page of the step that comes first."""
    target = await way.run(
        lambda work: sign_continue(work, envelope=way.house.envelope, path=CONTINUE)
    )
    answer = await browser.sign_in(ADA, password, at=f"/sign-in?continue={target}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in/step?")
    assert browser.session is None
    return str(answer.headers["location"])


async def test_a_code_lets_in_and_leads_where_it_was_asked_for(way: WayIn) -> None:
    person = await enrolled(way.house, ADA)
    browser = way.browser()
    page = await browser.open(await arrive(way, browser))
    assert 'id="mfa-code"' in page.text
    wrong = await browser.press(page, "mfa-submit", {"code": "000000"})
    assert wrong.status_code == 422
    assert 'id="code-error"' in wrong.text
    done = await browser.press(wrong, "mfa-submit", {"code": person.app.code()})
    assert (done.status_code, done.headers["location"]) == (303, CONTINUE)
    assert browser.session is not None
    assert not any("step" in name for name in browser.client.cookies)


async def test_it_can_be_cancelled(way: WayIn) -> None:
    await enrolled(way.house, ADA)
    browser = way.browser()
    page = await browser.open(await arrive(way, browser))
    answer = await browser.press(page, "sign-in-cancel")
    assert answer.headers["location"] == CONTINUE + "&cancelled=1"
    again = await browser.open("/sign-in/step")
    assert again.headers["location"].startswith("/sign-in")


async def test_without_anybody_on_the_way_it_leads_to_the_door(way: WayIn) -> None:
    browser = way.browser()
    answer = await browser.open("/sign-in/step")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_a_required_factor_is_enrolled_on_the_way(way: WayIn) -> None:
    way.policy(assurance={"second_factor": "required"})
    await way.house.user(ADA)
    browser = way.browser()
    page = await browser.open(await arrive(way, browser))
    assert "<svg" in page.text
    assert "style=" not in page.text
    found = re.search(r'id="totp-secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None
    app = App.of(way.house.clock, found[1])
    wrong = await browser.press(page, "mfa-submit", {"code": "000000"})
    assert wrong.status_code == 422
    assert found[1] in wrong.text
    codes = await browser.press(wrong, "mfa-submit", {"code": app.code()})
    assert codes.status_code == 200
    assert codes.text.count("<li><code>") == 10
    assert 'href="' + CONTINUE in codes.text
    assert browser.session is not None


async def test_terms_then_a_new_password(way: WayIn) -> None:
    way.policy(assurance={"terms": TERMS})
    user = await way.house.user(ADA)
    await way.run(lambda work: require_password_change(work, user_id=user.id))
    browser = way.browser()
    page = await browser.open(await arrive(way, browser))
    short = await browser.press(page, "step-submit", {"password": "short"})
    assert short.status_code == 422
    assert 'id="password-error"' in short.text
    then = await browser.press(short, "step-submit", {"password": OTHER_PASSWORD})
    page = await browser.open(then.headers["location"])
    assert "https://example.org/terms" in page.text
    done = await browser.press(page, "step-submit")
    assert done.headers["location"] == CONTINUE
    assert browser.session is not None


async def test_an_address_is_confirmed_on_the_way(way: WayIn) -> None:
    await way.api("POST", "/register", json={"email": ADA, "password": PASSWORD})
    way.policy(require_verified_email=True)
    browser = way.browser()
    page = await browser.open(await arrive(way, browser))
    assert ADA in page.text
    before = len(await way.house.mails(ADA))
    again = await browser.press(page, "verify-resend")
    assert len(await way.house.mails(ADA)) == before + 1
    page = await browser.open(again.headers["location"])
    code = re.search(r"\b(\d{8})\b", (await way.house.mails(ADA))[0].text)
    assert code is not None
    done = await browser.press(page, "step-submit", {"code": code[1]})
    assert done.headers["location"] == CONTINUE


async def test_new_terms_are_put_to_who_is_signed_in_too(way: WayIn) -> None:
    await way.house.user(ADA)
    browser = way.browser()
    await browser.sign_in(ADA, PASSWORD)
    session = browser.session
    way.policy(assurance={"terms": TERMS})
    page = await browser.open("/sign-in/step?continue=/account")
    done = await browser.press(page, "step-submit")
    assert done.headers["location"] == "/account"
    assert browser.session == session


async def test_who_is_asked_for_a_factor_in_a_session_gives_it_there(way: WayIn) -> None:
    await way.house.user("bob@example.org")
    browser = way.browser()
    await browser.sign_in("bob@example.org", PASSWORD)
    before = browser.session
    page = await browser.open("/sign-in/step?continue=/account&step=enrol_factor")
    found = re.search(r'id="totp-secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None
    app = App.of(way.house.clock, found[1])
    await browser.press(page, "mfa-submit", {"code": app.code()})
    assert browser.session != before
    plain = await browser.open("/sign-in/step?continue=/account&step=second_factor")
    assert plain.headers["location"] == "/account"


async def test_n269_an_old_session_enrols_nothing(way: WayIn) -> None:
    await way.house.user(ADA)
    browser = way.browser()
    await browser.sign_in(ADA, PASSWORD)
    way.house.clock.advance(dt.timedelta(hours=1))
    answer = await browser.open("/sign-in/step?continue=/account&step=enrol_factor")
    assert answer.headers["location"].startswith("/sign-in?reauth=1&continue=")
    again = await browser.sign_in(ADA, PASSWORD, at=answer.headers["location"])
    page = await browser.open(again.headers["location"])
    assert 'id="totp-secret"' in page.text
