"""``/account/email``: another address, for somebody who signed in a moment ago."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from limen.access.require import check_first_party, check_recent
from limen.accounts.change_email import (
    ask_to_change_email,
    check_change_link,
    confirm_email_change,
)
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import ReauthenticationRequired
from limen.portal.account_page import back_to_account
from limen.portal.parts import Parts
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.web.forms import read_form, read_query
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

PATH: Final = "/account/email"


async def show_email_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show where to type it; with a link's token the button, since mail readers open links."""
    check_rate(request, "page")
    query = read_query(request)
    if query.one("token") is not None:
        address = await check_change_link(work, raw_token=secret_of(query, "token"))
        context = {**await _context(work), "token": text_of(query, "token"), "new": address}
        return _page(parts).show(request, context)
    try:
        check_recent(work)
    except ReauthenticationRequired:
        return see_other(page_url(request, "/sign-in", reauth="1", **{"continue": PATH}))
    return _page(parts).show(request, await _context(work))


async def ask(request: Request, work: Work, *, parts: Parts) -> Response:
    """Mail the link to the address that was typed."""
    check_rate(request, "recover")
    check_first_party(work)
    form = await read_form(request)
    _page(parts).again(request, {**await _context(work), "new": text_of(form, "email")})
    await ask_to_change_email(work, email=text_of(form, "email"), envelope=parts.door.envelope)
    return back_to_account(request, done="email-change-asked")


async def confirm(request: Request, work: Work, *, parts: Parts) -> Response:
    """Take the link."""
    check_rate(request, "verify")
    check_first_party(work)
    form = await read_form(request)
    token = secret_of(form, "token")
    await confirm_email_change(work, raw_token=token, envelope=parts.door.envelope)
    return back_to_account(request, done="email-changed")


def _page(parts: Parts) -> FormPage:
    return FormPage(parts.pages, "portal/email.html")


async def _context(work: Work) -> dict[str, Any]:
    user = await get_user(work, work.actor.id)
    return {"email": user.email or "", "token": "", "new": ""}
