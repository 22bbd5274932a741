"""``/account/password``: a new password, for somebody who signed in a moment ago."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from limen.access.require import check_recent
from limen.accounts.directory import get_user, has_password
from limen.db.work import Work
from limen.kernel.errors import Conflict, ReauthenticationRequired
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.signin.change_password import change_own_password
from limen.signin.endpoints.form_page import FormPage, secret_of
from limen.tenants import policy_of
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other


async def show_password_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the form, or ask for a recent sign-in first."""
    try:
        check_recent(work)
    except ReauthenticationRequired:
        return see_other(
            page_url(request, "/sign-in", reauth="1", **{"continue": "/account/password"})
        )
    return _page(parts).show(request, await _context(work))


async def change(request: Request, work: Work, *, parts: Parts) -> Response:
    """Change it; every other session ends."""
    check_rate(request, "login")
    form = await read_form(request)
    _page(parts).again(request, await _context(work))
    await change_own_password(
        work,
        raw_current=secret_of(form, "current_password"),
        raw_new=secret_of(form, "password"),
        door=parts.door,
    )
    return back_to_account(request, done="password-changed")


def _page(parts: Parts) -> FormPage:
    return FormPage(parts.pages, "portal/password.html")


async def _context(work: Work) -> dict[str, Any]:
    user = await get_user(work, work.actor.id)
    if not await has_password(work, user.id):
        raise Conflict(
            "no_password", "Your account has no password. Use “Forgot password” to set one."
        )
    return {"email": user.email or "", "min_length": policy_of(work).password_min_length}
