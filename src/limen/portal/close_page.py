"""``/account/close``: an account ends for good, by its own person."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, ReauthenticationRequired
from limen.portal.parts import Parts
from limen.signin.ending.close_account import check_may_close, close_own_account
from limen.signin.endpoints import browser
from limen.signin.endpoints.form_page import FormPage
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

PATH: Final = "/account/close"


async def show_close_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Say what ends; or ask for a recent sign-in first."""
    check_rate(request, "page")
    try:
        await check_may_close(work)
    except ReauthenticationRequired:
        return _sign_in_again(request)
    return _page(parts).show(request, await _context(work))


async def close(request: Request, work: Work, *, parts: Parts) -> Response:
    """Close it, for who says that they mean it."""
    check_rate(request, "login")
    form = await read_form(request)
    _page(parts).again(request, await _context(work))
    if form.one("sure") != "yes":
        text = "Say first that you mean it: nobody can bring the account back."
        raise InvalidInput("not_confirmed", text, field="sure")
    try:
        await close_own_account(work)
    except ReauthenticationRequired:  # nothing was written yet
        return _sign_in_again(request)
    response = parts.pages.render(request, "portal/closed.html")
    browser.send_away(response, request)
    return response


def _sign_in_again(request: Request) -> Response:
    return see_other(page_url(request, "/sign-in", reauth="1", **{"continue": PATH}))


def _page(parts: Parts) -> FormPage:
    return FormPage(parts.pages, "portal/close.html")


async def _context(work: Work) -> dict[str, Any]:
    return {"email": (await get_user(work, work.actor.id)).email or ""}
