"""The last third: a third party's tokens, connected, fetched, refreshed, taken back."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import parse_qsl

from limen.cli.tour.people import log_in
from limen.cli.tour.tourist import TourError, Tourist, shortened
from limen.simulators.drive import Page as DrivenPage
from limen.simulators.drive import approve

_TWO_HOURS: Final = 7200
_REVOKE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.1
_FEATURE: Final = "calendar_read"
_CALENDARS: Final = "/dev/providers/google/calendar/v3/users/me/calendarList"


async def connect(tourist: Tourist) -> None:
    """Leave for the simulated Google, choose an account there, allow, and come back."""
    tourist.begin('Connect "Google" at the provider simulator')
    page = await tourist.browser.open(f"/account/connect/google?feature={_FEATURE}")
    away = await tourist.browser.press(page, "connect-continue")
    if "/dev/providers/" not in away.url:
        raise TourError(f"connecting did not leave for the provider: {away.url} {away.status}")

    async def fetch(method: str, url: str, body: bytes) -> DrivenPage:
        form = parse_qsl(body.decode()) if body else None
        got = await tourist.browser.fetch(method, url, form=form)
        return DrivenPage(got.status, got.headers.get("location", ""), got.text)

    try:
        back = await approve(fetch, away.url)
    except RuntimeError:
        text = "the simulated Google refused; has this server a Google client of your own?"
        raise TourError(text) from None
    await tourist.browser.open(back)
    (made,) = (await tourist.call("GET", "/api/v1/oauth/connections"))["items"]
    tourist.held["connection"] = made["id"]
    tourist.got(account=made["account"], state=made["state"], may=", ".join(made["features"]))


async def fetch_token(tourist: Tourist) -> None:
    """Get the third party's token, and use it there."""
    tourist.begin("Fetch a fresh third-party token")
    tourist.held["third_party"] = told = await _token(tourist)
    tourist.got(
        access_token=shortened(told["access_token"]),
        generation=told["generation"],
        expires_in=f"{told['expires_in']} s",
        calendars=await _calendars(tourist, told["access_token"]),
    )


async def let_expire(tourist: Tourist) -> None:
    """Move the clock past the token's life; fetching it again refreshes it at the provider."""
    tourist.begin("Let it expire: the clock moves by two hours")
    await _move_clock(tourist, _TWO_HOURS)
    await log_in(tourist)  # the first-party token lived a quarter of an hour
    old = tourist.held["third_party"]
    tourist.got(old_token=f"the provider answers {await _calendars(tourist, old['access_token'])}")
    told = await _token(tourist)
    if told["generation"] <= old["generation"]:
        raise TourError("the expired token was not refreshed")
    tourist.held["third_party"] = told
    tourist.got(
        access_token=shortened(told["access_token"]),
        generation=told["generation"],
        calendars=await _calendars(tourist, told["access_token"]),
    )


async def disconnect(tourist: Tourist) -> None:
    """Take the connection back, here and, through the outbox, at the provider."""
    tourist.begin("Disconnect")
    path = f"/api/v1/oauth/connections/{tourist.held['connection']}"
    ended = await tourist.call("DELETE", path)
    tourist.got(provider_is_told=ended["revoked"])
    refused = await tourist.ask("GET", f"{path}/token")
    tourist.got(token_again=f"{refused.status} {refused.json()['code']}")
    raw = tourist.held["third_party"]["access_token"]
    await _until_refused(tourist, raw)
    tourist.got(at_the_provider="the token is refused")


async def put_clock_back(tourist: Tourist) -> None:
    """Undo the tour's moving of the clock."""
    if tourist.moved_seconds:
        await _move_clock(tourist, -tourist.moved_seconds)


async def _move_clock(tourist: Tourist, seconds: int) -> None:
    told = await tourist.call("POST", "/dev/clock", {"advance_seconds": seconds})
    tourist.moved_seconds += seconds
    if tourist.told and seconds > 0:
        tourist.got(clock=told["now"])


async def _token(tourist: Tourist) -> dict[str, Any]:
    path = f"/api/v1/oauth/connections/{tourist.held['connection']}/token"
    told: dict[str, Any] = await tourist.call("GET", path)
    return told


async def _calendars(tourist: Tourist, token: str) -> str:
    """Use the token as an app would; return what came back, or the status of the refusal."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = await tourist.browser.fetch("GET", _CALENDARS, headers=headers)
    if answer.status != 200:
        return str(answer.status)
    return ", ".join(item.get("summary", "?") for item in answer.json().get("items", []))


async def _until_refused(tourist: Tourist, token: str) -> None:
    """Wait for the outbox to tell the provider."""
    try:
        async with asyncio.timeout(_REVOKE_SECONDS):
            while True:
                if await _calendars(tourist, token) == "401":
                    return
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise TourError("the provider still takes the token") from None
