"""Invitations at the door: the page, JSON, and every entrance that is closed without one."""

from __future__ import annotations

import pytest

from limen.access.invitations.invite import invite
from limen.access.permissions import Role
from limen.kernel.actor import OPERATOR
from tests.house import OTHER_PASSWORD, PASSWORD
from tests.unit.signin.kit import WayIn, error_code

pytestmark = pytest.mark.anyio
EVE = "eve@example.com"


async def invited(way: WayIn, role: Role = "member") -> str:
    """Invite somebody; return the path of the mailed link."""
    await way.run(
        lambda work: invite(work, envelope=way.house.envelope, email=EVE, role=role),
        actor=OPERATOR,
    )
    return f"/invitation?token={(await way.house.newest_link(EVE)).reveal()}"


async def test_n153_without_an_invitation_every_entrance_is_closed(way: WayIn) -> None:
    browser = way.browser()
    page = await browser.open("/sign-up")
    way.policy(sign_up="invitation")
    api = await way.api("POST", "/register", json={"email": EVE, "password": PASSWORD})
    assert (api.status_code, api.json()["code"]) == (403, "invitation_required")
    assert error_code(await browser.open("/sign-up")) == "invitation_required"
    pressed = await browser.press(page, "sign-up-submit", {"email": EVE, "password": PASSWORD})
    assert pressed.status_code == 403
    assert "/sign-up" not in (await browser.open("/sign-in")).text
    assert await way.count("users") == 0


async def test_the_page_opens_the_account_and_signs_nobody_in(way: WayIn) -> None:
    way.policy(sign_up="invitation")
    path = await invited(way)
    browser = way.browser()
    page = await browser.open(path)
    assert EVE in page.text
    again = await browser.press(page, "invitation-submit", {"password": "short"})
    assert again.status_code == 422
    assert 'id="password-error"' in again.text
    done = await browser.press(page, "invitation-submit", {"password": PASSWORD, "name": "Eve"})
    assert 'id="invitation-done"' in done.text
    assert browser.session is None
    assert (await way.login(EVE, PASSWORD)).status_code == 200
    assert error_code(await browser.open(path)) == "link_invalid"


async def test_json_opens_it_once(way: WayIn) -> None:
    way.policy(sign_up="invitation")
    token = (await invited(way)).partition("token=")[2]
    body = {"token": token, "password": PASSWORD, "name": "Eve"}
    weak = await way.api("POST", "/invitations/accept", json={**body, "password": "short"})
    assert weak.status_code == 422
    assert (await way.api("POST", "/invitations/accept", json=body)).status_code == 200
    again = await way.api("POST", "/invitations/accept", json={**body, "password": OTHER_PASSWORD})
    assert (again.status_code, again.json()["code"]) == (422, "link_invalid")
    assert (await way.login(EVE, OTHER_PASSWORD)).status_code == 401


async def test_who_has_an_account_signs_in_and_accepts_and_nobody_else(way: WayIn) -> None:
    await way.house.user("bob@example.com")
    path = await invited(way, "auditor")
    await way.house.user(EVE)
    stranger = way.browser()
    await stranger.sign_in("bob@example.com", PASSWORD)
    page = await stranger.open(path)
    assert 'id="invitation-other"' in page.text
    token = path.partition("token=")[2]
    forced = await stranger.open("/sign-out")
    accepting = {
        "csrf": forced.text.partition('name="csrf" value="')[2].partition('"')[0],
        "token": token,
    }
    assert error_code(await stranger.post("/invitation", accepting)) == "invitation_not_yours"
    browser = way.browser()
    page = await browser.open(path)
    assert 'id="invitation-known"' in page.text
    await browser.sign_in(EVE, PASSWORD)
    done = await browser.press(await browser.open(path), "invitation-accept")
    assert done.headers["location"] == "/account?done=invitation-accepted"
    me = (await browser.open("/api/v1/auth/me")).json()
    assert me["roles"] == ["auditor", "member"]
