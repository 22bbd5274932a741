"""Cases K: the same rules on every entrance, over HTTP."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.house import OTHER_PASSWORD, PASSWORD
from tests.negative.signin_cases import check_refusal, door, house, snapshot
from tests.unit.signin.kit import WayIn, error_code, form_with

__all__ = ["door", "house"]
pytestmark = pytest.mark.anyio

ADA, NOBODY = "ada@example.org", "nobody@example.org"
WRONG = "not the right one at all"


def told(answer: Any) -> tuple[int, str, list[str]]:
    """An answer without what differs each time: nonces, tokens, the address typed."""
    text = re.sub(r'name="csrf" value="[^"]+"', "csrf", answer.text)
    for email in (ADA, NOBODY):
        text = text.replace(email, "@").replace(quote(email), "@")
    text = re.sub(r"\d{1,2} minutes?", "", text)
    names = sorted(name for name in answer.headers if name not in {"content-length", "date"})
    return answer.status_code, text, names


@pytest.mark.parametrize("password", ["", "!", "$argon2id$v=19$m=8,t=1,p=1$", "null"])
async def test_n138_who_has_no_password_has_no_way_in_by_one(door: WayIn, password: str) -> None:
    await door.house.user(ADA, password=None)
    before = await snapshot(door)
    check_refusal(await door.login(ADA, password), statuses=[401, 422])
    page = await door.browser().sign_in(ADA, password)
    check_refusal(page, statuses=[422])
    assert await snapshot(door) == before


@pytest.mark.parametrize(
    "body", [{}, {"email": ADA}, {"email": ADA, "password": None}, {"password": PASSWORD}, []]
)
async def test_n138_an_absent_password_is_refused(door: WayIn, body: Any) -> None:
    await door.house.user(ADA)
    check_refusal(await door.api("POST", "/login", json=body), statuses=[422])


async def test_n139_unknown_and_wrong_are_told_alike(door: WayIn) -> None:
    await door.house.user(ADA)
    for address in ("192.0.2.1", "192.0.2.2"):
        known = await door.login(ADA, WRONG, address=address)
        unknown = await door.login(NOBODY, WRONG, address=address)
        assert told(known) == told(unknown)
        assert known.json()["code"] == "invalid_credentials"
    pages = [await door.browser().sign_in(email, WRONG) for email in (ADA, NOBODY)]
    assert told(pages[0]) == told(pages[1])
    for _ in range(5):
        for email in (ADA, NOBODY):
            await door.browser("192.0.2.9").sign_in(email, WRONG)
    throttled = [await door.browser("192.0.2.9").sign_in(mail, WRONG) for mail in (ADA, NOBODY)]
    assert throttled[0].status_code == 429
    assert told(throttled[0]) == told(throttled[1])


async def test_n141_registering_a_taken_address_is_told_alike(door: WayIn) -> None:
    await door.house.user(ADA)
    answers = [
        await door.api("POST", "/register", json={"email": email, "password": PASSWORD})
        for email in (ADA, NOBODY)
    ]
    assert told(answers[0]) == told(answers[1])
    pages = []
    for email in (ADA, NOBODY):
        browser = door.browser()
        page = await browser.open("/sign-up")
        fields = {"email": email, "password": PASSWORD}
        pages.append(await browser.press(page, "sign-up-submit", fields))
    assert told(pages[0]) == told(pages[1])


@pytest.mark.parametrize("path", ["/password/forgot", "/verify-email/resend"])
async def test_n142_asking_for_a_mail_is_told_alike(door: WayIn, path: str) -> None:
    await door.house.user(ADA)
    answers = [await door.api("POST", path, json={"email": email}) for email in (ADA, NOBODY)]
    assert answers[0].status_code == 200
    assert told(answers[0]) == told(answers[1])


async def test_n143_n144_no_header_reaches_a_link(door: WayIn) -> None:
    await door.house.user(ADA)
    forged = {
        "host": "evil.example",
        "forwarded": "host=evil.example;proto=gopher",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "gopher",
        "x-forwarded-port": "666",
        "x-forwarded-prefix": "/evil",
    }
    answer = await door.api("POST", "/password/forgot", json={"email": ADA}, **forged)
    assert answer.status_code == 200
    mail = (await door.house.mails(ADA))[0]
    assert "evil" not in mail.text + mail.html
    assert f"{door.tenant.issuer}/reset-password?token=" in mail.text
    for path in ("/sign-in", "/account", "/reset-password"):
        page = await door.browser().open(path, **forged)
        assert "evil" not in page.text + str(page.headers)


async def test_n145_no_step_opens_without_the_token(door: WayIn) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    page = await browser.open("/forgot-password")
    await browser.press(page, "forgot-submit", {"email": ADA})
    assert error_code(await browser.open("/reset-password")) == "link_invalid"
    csrf = dict(form_with(page, "forgot-submit").fields)["csrf"]
    for token in ("", "lmp_x", "a" * 400):
        fields = {"csrf": csrf, "token": token, "password": OTHER_PASSWORD, "email": ADA}
        refused = await browser.post("/reset-password", fields)
        check_refusal(refused, statuses=[422])
    assert (await door.login(ADA, PASSWORD)).status_code == 200


async def test_n148_a_reset_signs_nobody_in(door: WayIn) -> None:
    await door.house.user(ADA)
    await door.api("POST", "/password/forgot", json={"email": ADA})
    token = (await door.house.newest_link(ADA)).reveal()
    browser = door.browser()
    page = await browser.open(f"/reset-password?token={token}")
    done = await browser.press(page, "reset-submit", {"password": OTHER_PASSWORD})
    assert done.status_code == 200
    assert browser.session is None
    assert await door.count("sessions") == 0


async def test_n153_a_closed_registration_is_closed_everywhere(door: WayIn) -> None:
    browser = door.browser()
    page = await browser.open("/sign-up")
    door.policy(sign_up="closed")
    before = await snapshot(door)
    api = await door.api("POST", "/register", json={"email": ADA, "password": PASSWORD})
    check_refusal(api, statuses=[403])
    assert api.json()["code"] == "registration_closed"
    check_refusal(await browser.open("/sign-up"), statuses=[403])
    pressed = await browser.press(page, "sign-up-submit", {"email": ADA, "password": PASSWORD})
    check_refusal(pressed, statuses=[403])
    assert await snapshot(door) == before


async def test_o7_what_is_sent_twice_is_refused(door: WayIn) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    page = await browser.open("/sign-in")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    once = {"csrf": csrf[1], "email": ADA, "password": PASSWORD}
    for name in ("email", "password", "csrf"):
        twice = {**once, name: [once[name], once[name]]}
        check_refusal(await browser.post("/sign-in", twice), statuses=[400])
    for name in ("email", "password"):
        without = {key: value for key, value in once.items() if key != name}
        check_refusal(await browser.post("/sign-in", without), statuses=[422])
    assert (await browser.post("/sign-in", once)).status_code == 303
