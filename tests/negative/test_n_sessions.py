"""Cases N: sessions, forged requests, framing, signing out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

import pytest

from limen.accounts.ending.close_account import close_account
from limen.accounts.ending.disable_user import disable_user
from limen.kernel.actor import OPERATOR
from tests.house import OTHER_PASSWORD, PASSWORD
from tests.negative.signin_cases import check_refusal, cookies_of, door, house, snapshot
from tests.unit.signin.kit import AUTH, Browser, WayIn

__all__ = ["door", "house"]
pytestmark = pytest.mark.anyio

ADA, BOB = "ada@example.org", "bob@example.org"
COOKIE = "lm_session_testtenant"
PAGES = (
    "/sign-in",
    "/sign-up",
    "/sign-out",
    "/forgot-password",
    "/reset-password",
    "/verify-email",
)


async def is_in(browser: Browser) -> bool:
    """Whether the browser's session is good: the sign-in page then sends it on."""
    return (await browser.open("/sign-in")).status_code == 303


async def test_n177_nothing_of_the_former_person_stays_on_the_browser(door: WayIn) -> None:
    await door.house.user(ADA)
    bob = await door.house.user(BOB)
    browser = door.browser()
    await browser.sign_in(ADA, PASSWORD)
    adas = browser.session
    browser.client.cookies.delete(COOKIE)
    await browser.sign_in(BOB, PASSWORD)
    assert browser.session != adas
    me = await browser.open(f"{AUTH}/me")
    assert me.json()["id"] == bob.id
    out = await browser.press(await browser.open("/sign-out"), "logout-yes")
    assert out.status_code == 200
    assert not await is_in(browser)
    ada = door.browser()
    ada.client.cookies.set(COOKIE, adas or "")
    assert await is_in(ada)


@pytest.mark.parametrize("how", ["reset", "change", "disable", "close"])
async def test_n178_what_ends_sessions_ends_all_of_them_at_once(door: WayIn, how: str) -> None:
    user = await door.house.user(ADA)
    browsers = [door.browser() for _ in range(3)]
    for browser in browsers:
        await browser.sign_in(ADA, PASSWORD)
    pair = (await door.login(ADA, PASSWORD)).json()
    own = (await door.login(ADA, PASSWORD)).json()
    if how == "reset":
        await door.api("POST", "/password/forgot", json={"email": ADA})
        token = (await door.house.newest_link(ADA)).reveal()
        body = {"token": token, "password": OTHER_PASSWORD}
        assert (await door.api("POST", "/password/reset", json=body)).status_code == 204
    elif how == "change":
        body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        changed = await door.api("POST", "/password/change", json=body, token=own["access_token"])
        assert changed.status_code == 204
    elif how == "disable":
        await door.run(lambda work: disable_user(work, user_id=user.id), actor=OPERATOR)
    else:
        await door.run(lambda work: close_account(work, user_id=user.id), actor=OPERATOR)
    assert [await is_in(browser) for browser in browsers] == [False] * 3
    check_refusal(await door.api("GET", "/me", token=pair["access_token"]), statuses=[401])
    refreshed = await door.api("POST", "/refresh", json={"refresh_token": pair["refresh_token"]})
    check_refusal(refreshed, statuses=[401])
    still = await door.api("GET", "/me", token=own["access_token"])
    assert still.status_code == (200 if how == "change" else 401)


async def test_n179_idle_sessions_end_and_no_use_passes_the_absolute_limit(door: WayIn) -> None:
    await door.house.user(ADA)
    idle = door.browser()
    await idle.sign_in(ADA, PASSWORD)
    busy = door.browser()
    await busy.sign_in(ADA, PASSWORD)
    for _ in range(4):
        door.house.clock.advance(dt.timedelta(days=20))
        assert await is_in(busy)
    assert not await is_in(idle)
    door.house.clock.advance(dt.timedelta(days=10, seconds=1))
    assert not await is_in(busy)


FORM_KINDS = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
)
SENDERS: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {},
]


@pytest.mark.parametrize("path", [*PAGES, "/verify-email/resend"])
async def test_n180_no_page_takes_a_form_of_another_site(door: WayIn, path: str) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    await browser.sign_in(ADA, PASSWORD)
    before, denied = await snapshot(door), len(door.denied())
    attacker = door.browser("198.51.100.66")
    theirs = re.search(r'name="csrf" value="([^"]+)"', (await attacker.open("/sign-in")).text)
    assert theirs is not None
    form = {"csrf": theirs[1], "email": BOB, "password": OTHER_PASSWORD, "answer": "yes"}
    for sender in SENDERS:
        browser.headers = {"x-forwarded-for": "192.0.2.1", **sender}
        check_refusal(await browser.post(path, form), statuses=[403])
    assert await snapshot(door) == before
    assert len(door.denied()) == denied + len(SENDERS)
    assert await is_in(browser)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/logout"),
        ("POST", "/password/change"),
        ("POST", "/login"),
        ("POST", "/register"),
        ("DELETE", "/sessions"),
        ("DELETE", "/sessions/{own}"),
    ],
)
async def test_n180_no_json_route_takes_what_a_forged_form_can_send(
    door: WayIn, verb: str, path: str
) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    await browser.sign_in(ADA, PASSWORD)
    items = (await browser.open(f"{AUTH}/sessions")).json()["items"]
    before = await snapshot(door)
    target = AUTH + path.format(own=items[0]["id"])
    body = b'{"email":"eve@example.org","password":"violet tractor hums at dawn"}'
    for kind in FORM_KINDS:
        for content in (body, b""):
            answer = await browser.client.request(
                verb, target, content=content, headers={"content-type": kind}
            )
            check_refusal(answer, statuses=[403, 415, 422])
    as_json = await browser.client.request(verb, target, json={})
    assert as_json.status_code in {403, 422}
    assert await snapshot(door) == before
    assert await is_in(browser)


async def test_n180_no_other_verb_does_what_post_does(door: WayIn) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    await browser.sign_in(ADA, PASSWORD)
    before = await snapshot(door)
    for verb in ("GET", "HEAD", "PUT", "PATCH", "TRACE"):
        for path in ("/logout", "/password/change", "/login"):
            answer = await browser.client.request(
                verb, AUTH + path, headers={"x-http-method-override": "POST"}
            )
            assert answer.status_code == 405
    assert await snapshot(door) == before


async def test_n181_n182_no_page_is_framed_or_tells_where_it_was(door: WayIn) -> None:
    for path in (*PAGES, "/nothing", "/account/x"):
        page = await door.browser().open(f"{path}?token=canary&code=canary", accept="text/html")
        assert page.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["cache-control"] == "no-store"
        for address in re.findall(r'(?:href|src|action)="([^"]+)"', page.text):
            assert address.startswith(("/", "#")), address


async def test_n183_secrets_travel_in_bodies_alone(door: WayIn) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    for path in PAGES:
        page = await browser.open(path)
        for form in re.findall(r"<form[^>]*>", page.text):
            assert 'method="post"' in form
    answer = await browser.open(f"/sign-in?email={ADA}&password={PASSWORD}")
    assert answer.status_code == 200
    assert PASSWORD not in answer.text
    assert browser.session is None


async def test_n183_a_double_submit_makes_one_account(door: WayIn) -> None:
    browser = door.browser()
    page = await browser.open("/sign-up")
    fields = {"email": ADA, "password": PASSWORD}
    for _ in range(2):
        sent = await browser.press(page, "sign-up-submit", fields)
        assert 'id="check-mail"' in sent.text
    assert await door.count("users") == 1


async def test_n184_a_link_signs_nobody_in_or_out(door: WayIn) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    await browser.sign_in(ADA, PASSWORD)
    page = await browser.open("/sign-out?answer=yes")
    assert 'id="logout-yes"' in page.text
    assert await is_in(browser)
    for path in ("/login", "/refresh", "/logout"):
        answer = await browser.open(AUTH + path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


BAD = (
    "",
    "x",
    "lms_",
    "lms_testtenant_",
    "lms_testtenant_" + "a" * 43,
    "lms_othertenan_" + "a" * 43,
    "\xff\xfe",
    "a" * 9000,
    '"quoted"',
    "a; b=c",
)


async def test_n185_a_bad_cookie_is_nobody_and_is_taken_away(door: WayIn) -> None:
    client = door.client()
    for value in BAD:
        raw = f"{COOKIE}={value}".encode("latin-1")
        answer = await client.get(f"{AUTH}/me", headers={b"cookie": raw})
        check_refusal(answer, statuses=[401])
        assert f"{COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax" in cookies_of(answer)
        page = await client.get("/sign-in", headers={b"cookie": raw})
        assert page.status_code == 200


async def test_n185_a_good_cookie_among_a_hundred_counts_and_a_doubled_one_does_not(
    door: WayIn,
) -> None:
    await door.house.user(ADA)
    browser = door.browser()
    await browser.sign_in(ADA, PASSWORD)
    good = f"{COOKIE}={browser.session}"
    client = door.client()
    many = "; ".join([*(f"c{n}=1" for n in range(100)), good])
    assert (await client.get(f"{AUTH}/me", headers={"cookie": many})).status_code == 200
    tossed = f"{good}; {COOKIE}=lms_testtenant_{'b' * 43}"
    check_refusal(await client.get(f"{AUTH}/me", headers={"cookie": tossed}), statuses=[401])


async def test_n189_over_https_cookies_can_not_be_planted_by_a_sibling(door: WayIn) -> None:
    await door.house.user(ADA)
    door.tenant = dataclasses.replace(door.tenant, issuer="https://id.example")
    browser = door.browser()
    page = await browser.open("/sign-in")
    answer = await browser.press(page, "sign-in-submit", {"email": ADA, "password": PASSWORD})
    assert answer.status_code == 303
    # The session, the known device, the CSRF token, and a step's cookie taken back.
    assert len(cookies_of(answer)) == 4
    for cookie in cookies_of(answer):
        assert cookie.startswith("__Host-lm_")
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        assert "domain" not in cookie.lower()
    planted = door.client()
    session = next(value for name, value in browser.client.cookies.items() if "session" in name)
    for name in ("lm_session_testtenant", "__Secure-lm_session_testtenant"):
        plain = await planted.get(f"{AUTH}/me", headers={"cookie": f"{name}={session}"})
        assert plain.status_code == 401
