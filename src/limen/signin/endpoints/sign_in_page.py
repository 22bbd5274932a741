"""``/sign-in``: address and password, or a provider."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.protocol.params import Params
from limen.signin.continue_url import OWN_PAGES, read_continue
from limen.signin.endpoints import browser
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.endpoints.lead_on import lead_on
from limen.signin.parts import Parts
from limen.signin.with_password import sign_in_with_password
from limen.tenants import policy_of
from limen.web import cookies
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

_GUARD = PagesOnly(public("the door itself"))


class SignInPage:
    """Both verbs of the page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # What is submitted here may end at a client after a redirect or two, which Chrome and
        # Safari would hold against form-action.
        self._page = FormPage(parts.pages, "signin/sign_in.html", form_action=False)

    async def show(self, request: Request, work: Work) -> Response:
        """Show the form, or go on at once with whoever is signed in already."""
        check_rate(request, "page")
        query = read_query(request)
        actor = await authenticate(request, work)
        if _is_in(actor) and query.one("reauth") is None:
            return see_other(await self._target(request, work, query))
        context = await self._context(request, work, query)
        if _is_in(actor) and not context["email"]:
            context["email"] = (await get_user(work, actor.id)).email or ""
        return self._page.show(request, context)

    async def submit(self, request: Request, work: Work) -> Response:
        """Sign in, or cancel."""
        form = await read_form(request)
        if "cancel" in form:
            return see_other(await self._cancelled(request, work, form))
        check_rate(request, "login")
        self._page.again(request, await self._context(request, work, form))
        actor = await authenticate(request, work)
        attempt = browser.attempt_of(
            request, email=text_of(form, "email"), raw_password=secret_of(form, "password")
        )
        outcome = await sign_in_with_password(
            work,
            attempt=replace(attempt, current=actor if _is_in(actor) else None),
            door=self._parts.door,
        )
        path = await self._target(request, work, form)
        return await lead_on(request, work, outcome=outcome, path=path, parts=self._parts)

    async def _context(self, request: Request, work: Work, params: Params) -> dict[str, Any]:
        target = text_of(params, "continue")
        target_path = await read_continue(work, envelope=self._parts.envelope, raw=target)
        asking = None
        if target_path is not None:
            asking = await self._parts.who_asks(work, target_path, partial(cookies.read, request))
        return {
            "asking": asking,
            "continue_": target if target_path else "",
            "may_cancel": target_path is not None and target not in OWN_PAGES,
            "email": text_of(params, "email") or text_of(params, "login_hint"),
            "reauth": params.one("reauth") or "",
            "providers": await self._parts.list_providers(work),
            "may_sign_up": policy_of(work).sign_up == "open",
        }

    async def _target(self, request: Request, work: Work, params: Params) -> str:
        raw = params.one("continue")
        path = await read_continue(work, envelope=self._parts.envelope, raw=raw)
        return path or page_url(request, "/account")

    async def _cancelled(self, request: Request, work: Work, params: Params) -> str:
        raw = params.one("continue")
        path = await read_continue(work, envelope=self._parts.envelope, raw=raw)
        if path is None:
            return page_url(request, "/sign-in")
        return f"{path}{'&' if '?' in path else '?'}{urlencode({'cancelled': '1'})}"


def _is_in(actor: Actor) -> bool:
    """Whether this browser has a session; a token in a header is no browser."""
    return actor.kind == "user" and actor.scope is None


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""
    page = SignInPage(parts)
    return [
        route("/sign-in", page.show, guard=_GUARD, face="page"),
        route("/sign-in", page.submit, guard=_GUARD, face="page", methods=["POST"]),
    ]
