"""Cases L: guesses, rates and lock-out, over HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from limen.settings import Rate
from tests.house import PASSWORD
from tests.negative.signin_cases import check_refusal, door, house, snapshot
from tests.patience import wait_for_connections
from tests.unit.signin.kit import WayIn

__all__ = ["door", "house"]
pytestmark = pytest.mark.anyio

ADA, MALLORY = "ada@example.org", "mallory@example.org"
WRONG = "not the right one at all"
VARIANTS = [
    "ada@example.org",
    "ADA@Example.ORG",
    " ada@example.org",
    "ada+1@example.org",
    "ada@example.org ",
]


async def guess(door: WayIn, email: str = ADA, password: str = WRONG, **more: str) -> int:
    return (await door.login(email, password, **more)).status_code


async def test_n155_spellings_of_one_address_share_a_count(door: WayIn) -> None:
    await door.house.user(ADA)
    assert [await guess(door, variant) for variant in VARIANTS] == [401] * 5
    for variant in [*VARIANTS, "\uff21da@example.org", "ada+2@example.org"]:
        assert await guess(door, variant) == 429


async def test_n157_of_fifty_at_once_with_the_right_one_last_five_are_looked_at(
    door: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_connections(monkeypatch)
    await door.house.user(ADA)
    before = await snapshot(door)
    tried = await asyncio.gather(*(guess(door) for _ in range(49)), guess(door, password=PASSWORD))
    assert sum(status != 429 for status in tried) == 5
    assert set(tried) <= {200, 401, 429}
    if 200 not in tried:
        assert await snapshot(door) == before


async def test_n157_one_count_for_page_and_api(door: WayIn) -> None:
    await door.house.user(ADA)
    for number in range(5):
        if number % 2:
            assert (await door.browser().sign_in(ADA, WRONG)).status_code == 422
        else:
            assert await guess(door) == 401
    page = await door.browser().sign_in(ADA, PASSWORD)
    check_refusal(page, statuses=[429])
    api = await door.login(ADA, PASSWORD)
    check_refusal(api, statuses=[429])
    assert api.json()["code"] == "too_many_attempts"
    assert 1 <= int(api.headers["retry-after"]) <= 31
    assert door.denied().count("account:attempt:throttled") == 2


async def test_n158_ones_own_success_pays_for_no_guess_at_another(door: WayIn) -> None:
    await door.house.user(ADA)
    await door.house.user(MALLORY)
    statuses = []
    for _ in range(9):
        assert await guess(door, MALLORY, PASSWORD) == 200
        statuses.append(await guess(door))
    assert statuses == [401] * 5 + [429] * 4


async def test_n159_without_a_trusted_proxy_headers_name_nobody(door: WayIn) -> None:
    await door.house.user(ADA)
    client = door.client()
    assert client._transport.client == ("127.0.0.1", 4711)  # type: ignore[attr-defined]  # the peer the test trusts
    client._transport.client = ("203.0.113.5", 1)  # type: ignore[attr-defined]  # a peer nobody trusts
    statuses = []
    for number in range(7):
        headers = {
            "x-forwarded-for": f"198.51.100.{number}",
            "x-real-ip": f"198.51.100.{number}",
            "forwarded": f"for=198.51.100.{number}",
        }
        body = {"email": ADA, "password": WRONG}
        answer = await client.post("/api/v1/auth/login", json=body, headers=headers)
        statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 2


async def test_n160_one_household_one_count(door: WayIn) -> None:
    await door.house.user(ADA)
    inside = [await guess(door, address=f"2001:db8:1:2::{n:x}") for n in range(1, 8)]
    assert inside == [401] * 5 + [429] * 2
    assert await guess(door, address="2001:db8:1:3::1") == 401
    mapped = [await guess(door, address=a) for a in ("192.0.2.77", "::ffff:192.0.2.77") * 3]
    assert mapped == [401] * 5 + [429]


async def test_n161_strangers_delay_nobody_who_is_known(door: WayIn) -> None:
    await door.house.user(ADA)
    home = door.browser("192.0.2.10")
    assert (await home.sign_in(ADA, PASSWORD)).status_code == 303
    page = await home.open("/sign-out")
    await home.press(page, "logout-yes")
    for number in range(40):
        await guess(door, address=f"198.51.100.{number}")
    assert await guess(door, password=PASSWORD, address="203.0.113.9") == 429
    assert (await home.sign_in(ADA, PASSWORD)).status_code == 303


async def test_n161_the_delay_is_bounded_and_ends_by_itself(door: WayIn) -> None:
    await door.house.user(ADA)
    for _ in range(20):
        await guess(door)
        door.house.clock.advance(dt.timedelta(minutes=20))
    for _ in range(9):
        await guess(door)
    door.house.clock.advance(dt.timedelta(minutes=15))
    assert await guess(door, password=PASSWORD) == 200


async def test_n161_a_stolen_device_cookie_is_no_licence_to_guess(door: WayIn) -> None:
    await door.house.user(ADA)
    home = door.browser("192.0.2.10")
    await home.sign_in(ADA, PASSWORD)
    stolen = next(v for name, v in home.client.cookies.items() if "device" in name)
    statuses = []
    for number in range(9):
        thief = door.browser(f"198.51.100.{number}")
        thief.client.cookies.set("lm_device_testtenant", stolen)
        statuses.append((await thief.sign_in(ADA, WRONG)).status_code)
    assert statuses == [422] * 5 + [429] * 4


async def test_request_rates_are_settings(door: WayIn) -> None:
    door.limiter = lambda name: Rate(3, 60) if name == "login" else None
    await door.house.user(ADA)
    statuses = [await guess(door, password=PASSWORD) for _ in range(5)]
    assert statuses == [200] * 3 + [429] * 2
    assert await guess(door, password=PASSWORD, address="198.51.100.1") == 200
