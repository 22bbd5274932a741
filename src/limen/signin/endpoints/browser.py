"""What a browser brings along, and what it takes away when somebody is in."""

from __future__ import annotations

import datetime as dt
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from limen.accounts.email_address import throttle_key
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.kernel.secret import Secret
from limen.sessions.current import COOKIE
from limen.sessions.session import Session
from limen.signin import known_device
from limen.signin.steps.underway import TTL, Entered, Waiting
from limen.signin.with_password import PasswordAttempt
from limen.web import cookies, csrf
from limen.web.peer.client_ip import address_block, client_ip
from limen.web.state import edge_of, site_of

DEVICE_AGE: Final = dt.timedelta(days=400)
STEP_COOKIE: Final = "step"
"""Who is on the way in; good for the next step alone."""


def attempt_of(request: Request, *, email: str, raw_password: Secret[str]) -> PasswordAttempt:
    """Return an attempt with what the request tells of its sender."""
    return PasswordAttempt(
        email=email,
        raw_password=raw_password,
        address_block=address_block(client_ip(request)),
        device=cookies.read(request, known_device.COOKIE),
        user_agent=request.headers.get("user-agent", ""),
    )


async def let_in(
    response: Response, request: Request, *, entered: Entered, work: Work, envelope: Envelope
) -> None:
    """Give the browser its session, the mark of a known device, and forms of its own."""
    cookies.clear(response, request, STEP_COOKIE)
    if entered.raw_session is None:  # the session it has goes on
        return
    set_session(response, request, raw=entered.raw_session, session=entered.session, now=work.now)
    if entered.user.email is None:
        return
    device = known_device.remember_account(
        cookies.read(request, known_device.COOKIE),
        account=throttle_key(entered.user.email),
        key=await envelope.derive(work, "known device"),
    )
    cookies.write(response, request, known_device.COOKIE, value=device, max_age=DEVICE_AGE)


def let_wait(response: Response, request: Request, *, waiting: Waiting) -> None:
    """Give the browser what names it at the next step; it opens nothing else (N162, N164)."""
    if waiting.raw_token is not None:
        value = waiting.raw_token.reveal()
        cookies.write(response, request, STEP_COOKIE, value=value, max_age=TTL)


def forget_step(response: Response, request: Request) -> None:
    """Take away what named the browser at a step."""
    cookies.clear(response, request, STEP_COOKIE)


def set_session(
    response: Response, request: Request, *, raw: Secret[str], session: Session, now: dt.datetime
) -> None:
    """Set the session's cookie; forms opened before belong to nobody now."""
    cookies.write(response, request, COOKIE, value=raw.reveal(), max_age=session.expires_at - now)
    csrf.renew(response, request)


def send_away(response: Response, request: Request) -> None:
    """Take the session's cookie away, and the forms with it."""
    cookies.clear(response, request, COOKIE)
    csrf.renew(response, request)


async def check_origin(request: Request) -> None:
    """Refuse scripts of origins the tenant did not allow to sign people in (PROTOCOL).

    A program that is no browser sends no ``Origin`` and is not meant here.

    Raises:
        NotPermitted: ``origin_not_allowed``.
    """
    origin = request.headers.get("origin")
    site = site_of(request)
    if origin is None or origin == site.origin:
        return
    if origin == "null" or not await edge_of(request).allows_origin(site, "api", origin):
        raise NotPermitted("origin_not_allowed", "This origin may not sign people in here.")
