"""``/sign-in/prove``: an account with this address exists; show that its mailbox is yours."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.db.work import Work
from limen.federation.parts import Parts as FederationParts
from limen.kernel.errors import NotAuthenticated
from limen.kernel.secret import Secret
from limen.protocol.params import Params
from limen.signin.continue_url import read_continue
from limen.signin.endpoints.form_page import FormPage, secret_of, text_of
from limen.signin.endpoints.lead_on import lead_on
from limen.signin.endpoints.provider_sign_in import PROVE_COOKIE as COOKIE
from limen.signin.endpoints.provider_sign_in import PROVE_PATH
from limen.signin.parts import Parts
from limen.signin.provider.prove_mailbox import Asked, mail_proof, show_proof, take_proof
from limen.signin.provider.proven import FEDERATED
from limen.signin.steps.enter import go_on
from limen.signin.steps.underway import Underway
from limen.web import cookies
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

_GUARD: Final = PagesOnly(public("a cookie names who signs in, and opens nothing else"))


class ProvePage:
    """Show it, mail the code, take the code."""

    def __init__(self, parts: Parts, federation: FederationParts) -> None:
        self._parts = parts
        self._federation = federation
        # The way on may end at a client after a redirect or two (see the sign-in page).
        self._page = FormPage(parts.pages, "signin/prove.html", form_action=False)

    async def show(self, request: Request, work: Work) -> Response:
        """Say what is the matter, or where to type the code."""
        check_rate(request, "page")
        try:
            asked = await self._asked(request, work)
        except NotAuthenticated:
            return see_other(page_url(request, "/sign-in"))
        return self._page.show(request, await self._context(work, asked, read_query(request)))

    async def mail(self, request: Request, work: Work) -> Response:
        """Mail the code."""
        check_rate(request, "recover")
        form = await read_form(request)
        context = await self._context(work, await self._asked(request, work), form)
        self._page.again(request, context)
        await mail_proof(work, self._federation, raw_token=_raw(request))
        return self._page.show(request, {**context, "was_sent": True})

    async def submit(self, request: Request, work: Work) -> Response:
        """Take the code: the accounts are one from now on, and the person is in."""
        check_rate(request, "verify")
        form = await read_form(request)
        asked = await self._asked(request, work)
        self._page.again(request, await self._context(work, asked, form))
        actor = await authenticate(request, work)
        user, detail = await take_proof(
            work, self._federation, raw_token=_raw(request), raw_code=secret_of(form, "code")
        )
        underway = Underway(
            user_id=user.id,
            amr=(FEDERATED,),
            user_agent=request.headers.get("user-agent", ""),
            session_id=actor.session_id if actor.scope is None else "",
        )
        outcome = await go_on(work, underway=underway, user=user)
        path = str(detail.get("continue") or page_url(request, "/account"))
        response = await lead_on(request, work, outcome=outcome, path=path, parts=self._parts)
        cookies.clear(response, request, COOKIE)
        return response

    async def _asked(self, request: Request, work: Work) -> Asked:
        return await show_proof(work, self._federation, raw_token=_raw(request))

    async def _context(self, work: Work, asked: Asked, params: Params) -> dict[str, Any]:
        raw = text_of(params, "continue")
        known = await read_continue(work, envelope=self._parts.envelope, raw=raw)
        return {
            "title": asked.title,
            "label": asked.label,
            "address": asked.address,
            "was_sent": asked.was_sent,
            "continue_": raw if known else "",
        }


def pages(parts: Parts, federation: FederationParts) -> list[BaseRoute]:
    """Return the routes."""
    page = ProvePage(parts, federation)
    return [
        route(PROVE_PATH, page.show, guard=_GUARD, face="page"),
        route(PROVE_PATH, page.submit, guard=_GUARD, face="page", methods=["POST"]),
        route(f"{PROVE_PATH}/mail", page.mail, guard=_GUARD, face="page", methods=["POST"]),
    ]


def _raw(request: Request) -> Secret[str]:
    return Secret(cookies.read(request, COOKIE) or "")
