"""Section M of the catalogue, what concerns one-time codes; passkeys are not here yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.house import OTHER_PASSWORD, PASSWORD
from tests.negative.signin_cases import check_refusal, door, house, snapshot
from tests.unit.mfa.kit import Person, enrolled
from tests.unit.signin.kit import WayIn

__all__ = ["door", "house"]
pytestmark = pytest.mark.anyio
ADA = "ada@example.org"


async def challenge(door: WayIn, password: str = PASSWORD) -> str:
    answer = await door.login(ADA, password)
    assert answer.json()["code"] == "mfa_required"
    return str(answer.json()["challenge"])


async def verify(door: WayIn, challenge: str, code: str) -> Any:
    body = {"challenge": challenge, "code": code}
    return await door.api("POST", "/mfa/verify", json=body)


@pytest.mark.parametrize("door_of", ["page", "json"])
async def test_n162_n164_the_password_step_opens_nothing(door: WayIn, door_of: str) -> None:
    await enrolled(door.house, ADA)
    before = await snapshot(door)
    browser = door.browser()
    if door_of == "page":
        await browser.sign_in(ADA, PASSWORD)
        cookies = dict(browser.client.cookies)
        assert browser.session is None
        # What the browser was given is no session, wherever it is put.
        raw = next(value for name, value in cookies.items() if "step" in name)
        browser.client.cookies.set("lm_session_testtenant", raw)
    else:
        raw = await challenge(door)
        browser.client.cookies.set("lm_session_testtenant", raw)
    for path in ("/me", "/sessions", "/mfa"):
        check_refusal(await browser.open(f"/api/v1/auth{path}"), statuses={401})
        check_refusal(await door.api("GET", path, token=raw), statuses={401})
    refreshed = await door.api("POST", "/refresh", json={"refresh_token": raw})
    check_refusal(refreshed, statuses={401})
    assert await snapshot(door) == before


async def test_n148_a_reset_takes_no_factor_away(door: WayIn) -> None:
    person = await enrolled(door.house, ADA)
    await door.api("POST", "/password/forgot", json={"email": ADA})
    token = await door.house.newest_link(ADA)
    body = {"token": token.reveal(), "password": OTHER_PASSWORD}
    assert (await door.api("POST", "/password/reset", json=body)).status_code == 204
    assert await door.count("sessions") == 0
    answer = await verify(door, await challenge(door, OTHER_PASSWORD), person.app.code())
    assert answer.status_code == 200


async def test_n167_the_budget_is_the_persons_and_not_the_challenges(door: WayIn) -> None:
    person = await enrolled(door.house, ADA)
    refused = []
    for _ in range(8):
        answer = await verify(door, await challenge(door), "000000")
        refused.append(answer.status_code)
    assert refused == [401] * 5 + [429] * 3
    right = await verify(door, await challenge(door), person.app.code())
    check_refusal(right, statuses={429})
    assert int(right.headers["retry-after"]) <= 31
    assert await door.count("sessions") == 0
    # The person hears of it, once an hour, and is in again after the delay.
    told = [mail for mail in await door.house.mails(ADA) if "wrong codes" in mail.text]
    assert len(told) == 1
    door.house.clock.advance(dt.timedelta(seconds=31))
    assert (await verify(door, await challenge(door), person.app.code())).status_code == 200


async def test_n161_who_knows_the_password_does_not_lock_a_known_browser_out(
    door: WayIn,
) -> None:
    person: Person = await enrolled(door.house, ADA)
    browser = door.browser()
    page = await browser.open((await browser.sign_in(ADA, PASSWORD)).headers["location"])
    await browser.press(page, "mfa-submit", {"code": person.app.code()})
    for _ in range(8):
        await verify(door, await challenge(door), "000000")
    door.house.clock.advance(dt.timedelta(seconds=30))
    again = await browser.sign_in(ADA, PASSWORD, at="/sign-in?reauth=1")
    page = await browser.open(again.headers["location"])
    done = await browser.press(page, "mfa-submit", {"code": person.app.code()})
    assert (done.status_code, done.headers["location"]) == (303, "/account")


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": None}, {"code": ["1", "2"]}])
async def test_o7_no_code_is_no_proof(door: WayIn, body: dict[str, Any]) -> None:
    await enrolled(door.house, ADA)
    raw = await challenge(door)
    before = await snapshot(door)
    answer = await door.api("POST", "/mfa/verify", json={"challenge": raw, **body})
    check_refusal(answer, statuses={401, 422})
    assert await snapshot(door) == before


async def test_n165_anothers_challenge_takes_ones_own_code_for_nothing(door: WayIn) -> None:
    await enrolled(door.house, ADA)
    eve = await enrolled(door.house, "eve@example.org")
    answer = await verify(door, await challenge(door), eve.app.code())
    check_refusal(answer, statuses={401})
    assert "account:factor:refused" in door.denied()


async def test_n169_between_the_steps_nothing_holds_the_password(door: WayIn) -> None:
    await enrolled(door.house, ADA)
    browser = door.browser()
    answer = await browser.sign_in(ADA, PASSWORD)
    kept = f"{answer.headers} {dict(browser.client.cookies)} {door.heard}"
    assert PASSWORD not in kept
    assert "violet" not in kept


async def test_n163_a_step_is_passed_in_its_own_way_in_alone(door: WayIn) -> None:
    person = await enrolled(door.house, ADA)
    first, second = await challenge(door), await challenge(door)
    assert (await verify(door, first, person.app.code())).status_code == 200
    for step in ("continue", "accept_terms", "verify_email", "change_password"):
        answer = await door.api("POST", f"/steps/{step}", json={"challenge": second})
        check_refusal(answer, statuses={403, 409})
        if answer.status_code == 403:
            second = answer.json()["challenge"]
    assert await door.count("sessions") == 1
