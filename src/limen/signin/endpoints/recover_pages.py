"""``/forgot-password`` and ``/reset-password``: back in by the mailbox."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.recover import check_reset_link, forgot_password
from limen.db.work import Work
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.parts import Parts
from limen.signin.reset_password import reset_password
from limen.tenants import policy_of
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate

_GUARD = PagesOnly(public("who forgot the password can't sign in; the mailbox proves them"))


class ForgotPage:
    """Asks where to mail the link."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._page = FormPage(parts.pages, "signin/forgot.html")

    async def show(self, request: Request, _: Work) -> Response:
        """Show the form."""
        check_rate(request, "page")
        query = read_query(request)
        return self._page.show(request, {"email": text_of(query, "email")})

    async def submit(self, request: Request, work: Work) -> Response:
        """Mail the link; the page is the same whoever the address belongs to (N142)."""
        check_rate(request, "recover")
        email = text_of(await read_form(request), "email")
        self._page.again(request, {"email": email})
        await forgot_password(work, email=email, envelope=self._parts.envelope)
        return self._parts.pages.render(request, "signin/forgot_sent.html", email=email)


class ResetPage:
    """Takes the new password; only the link's token opens it (N145)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._page = FormPage(parts.pages, "signin/reset.html")

    async def show(self, request: Request, work: Work) -> Response:
        """Show the form of a link that is good."""
        check_rate(request, "page")
        query = read_query(request)
        await check_reset_link(work, raw_token=secret_of(query, "token"))
        return self._page.show(request, self._context(work, text_of(query, "token")))

    async def submit(self, request: Request, work: Work) -> Response:
        """Set the password; signs nobody in (N148)."""
        check_rate(request, "verify")
        form = await read_form(request)
        raw_token = secret_of(form, "token")
        await check_reset_link(work, raw_token=raw_token)
        self._page.again(request, self._context(work, text_of(form, "token")))
        await reset_password(
            work,
            raw_token=raw_token,
            raw_password=secret_of(form, "password"),
            door=self._parts.door,
        )
        return self._parts.pages.render(request, "signin/reset_done.html")

    def _context(self, work: Work, token: str) -> dict[str, Any]:
        return {"token": token, "min_length": policy_of(work).password_min_length}


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""
    forgot, reset = ForgotPage(parts), ResetPage(parts)
    return [
        route("/forgot-password", forgot.show, guard=_GUARD, face="page"),
        route("/forgot-password", forgot.submit, guard=_GUARD, face="page", methods=["POST"]),
        route("/reset-password", reset.show, guard=_GUARD, face="page"),
        route("/reset-password", reset.submit, guard=_GUARD, face="page", methods=["POST"]),
    ]
