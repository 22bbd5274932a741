"""The first third of the tour: a person signs up and signs in."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlencode

from limen.cli.tour.tourist import TourError, Tourist

_MAIL_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.1


async def sign_up(tourist: Tourist) -> None:
    """Open an account on the page, and prove the mailbox by the link that was mailed."""
    tourist.begin("Sign up")
    page = await tourist.browser.open("/sign-up")
    fill = {"email": tourist.email, "password": tourist.password, "name": "Ada Lovelace"}
    await tourist.browser.press(page, "sign-up-submit", fill)
    link = await _mailed_link(tourist)
    await tourist.browser.press(await tourist.browser.open(link), "verify-submit")
    tourist.got(account=tourist.email, mailed=link.partition("?")[0] + "?…", address="verified")


async def _mailed_link(tourist: Tourist) -> str:
    """Wait for the outbox to deliver to the development mailbox."""
    path = f"/dev/mail.json?{urlencode({'to': tourist.email})}"
    try:
        async with asyncio.timeout(_MAIL_SECONDS):
            while True:
                mails = (await tourist.call("GET", path))["mails"]
                links = [link for mail in mails for link in mail["links"] if "verify-email" in link]
                if links:
                    return str(links[0])
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise TourError("no mail came; does anything run the background work?") from None


async def sign_in(tourist: Tourist) -> None:
    """Sign in on the page, and over JSON as a first-party front end does."""
    tourist.begin("Sign in")
    await tourist.browser.sign_in(tourist.email, tourist.password)
    shown = await tourist.browser.open("/account")
    if tourist.email not in shown.text:
        raise TourError("the account page does not know who signed in")
    tourist.got(browser="has a session: the account page shows the address")
    await log_in(tourist)
    me = await tourist.call("GET", "/api/v1/auth/me")
    tourist.got(over_json=f"user {me['id']}, by {', '.join(me['amr'])}")


async def log_in(tourist: Tourist) -> None:
    """Get a first-party pair of tokens; after the clock was moved the old one is over."""
    tourist.held.pop("api_token", None)
    body = {"email": tourist.email, "password": tourist.password}
    pair = await tourist.call("POST", "/api/v1/auth/login", body)
    tourist.held["api_token"] = pair["access_token"]
