"""``/sign-up``: open an account."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.sign_up import Registration, sign_up
from limen.db.work import Work
from limen.protocol.params import Params
from limen.signin.continue_url import read_continue
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.parts import Parts
from limen.tenants import policy_of
from limen.tenants.policies.sign_up import check_may_join
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.pages.speak import spoken
from limen.web.rate_limit import check_rate

_GUARD = PagesOnly(public("strangers become members here, where the tenant lets them"))


class SignUpPage:
    """Both verbs of the page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._page = FormPage(parts.pages, "signin/sign_up.html")

    async def show(self, request: Request, work: Work) -> Response:
        """Show the form."""
        check_rate(request, "page")
        check_may_join(policy_of(work).sign_up)
        return self._page.show(request, await self._context(work, read_query(request)))

    async def submit(self, request: Request, work: Work) -> Response:
        """Open the account; what follows is the same for an address that has one (N141)."""
        check_rate(request, "sign_up")
        form = await read_form(request)
        context = await self._context(work, form)
        self._page.again(request, context)
        name = form.one("name")
        registration = Registration(
            email=context["email"],
            password=secret_of(form, "password"),
            claims={**spoken(request), **({} if name is None else {"name": name})},
        )
        await sign_up(
            work,
            registration=registration,
            hasher=self._parts.hasher,
            envelope=self._parts.envelope,
            hooks=self._parts.hooks,
        )
        return self._parts.pages.render(request, "signin/check_mail.html", **context, errors=[])

    async def _context(self, work: Work, params: Params) -> dict[str, Any]:
        raw = text_of(params, "continue")
        known = await read_continue(work, envelope=self._parts.envelope, raw=raw)
        return {
            "continue_": raw if known else "",
            "email": text_of(params, "email") or text_of(params, "login_hint"),
            "name": text_of(params, "name"),
            "min_length": policy_of(work).password_min_length,
            "providers": await self._parts.list_providers(work),
        }


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""
    page = SignUpPage(parts)
    return [
        route("/sign-up", page.show, guard=_GUARD, face="page"),
        route("/sign-up", page.submit, guard=_GUARD, face="page", methods=["POST"]),
    ]
