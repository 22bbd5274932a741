"""``/sign-out``: asks first, because any page can make a browser open a link (N184)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.db.work import Work
from limen.sessions.current import COOKIE
from limen.sessions.revoke import revoke
from limen.signin.endpoints import browser
from limen.signin.parts import Parts
from limen.web import cookies
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form
from limen.web.pages.only import PagesOnly
from limen.web.redirects import page_url, see_other

_GUARD = PagesOnly(public("who is out already is told so"))


class SignOutPage:
    """Both verbs of the page."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages

    async def show(self, request: Request, work: Work) -> Response:
        """Ask; or say that nobody is signed in."""
        actor = await authenticate(request, work)
        if actor.kind != "user":
            return self._gone(request)
        return self._pages.render(request, "signin/sign_out.html")

    async def submit(self, request: Request, work: Work) -> Response:
        """End the session and its tokens."""
        form = await read_form(request)
        if form.one("answer") == "no":
            return see_other(page_url(request, "/account"))
        actor = await authenticate(request, work)
        if actor.session_id:
            await revoke(work, session_id=actor.session_id, must_exist=False)
        return self._gone(request)

    def _gone(self, request: Request) -> Response:
        response = self._pages.render(request, "signin/signed_out.html")
        if cookies.was_sent(request, COOKIE):
            browser.send_away(response, request)
        return response


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the routes."""
    page = SignOutPage(parts)
    return [
        route("/sign-out", page.show, guard=_GUARD, face="page"),
        route("/sign-out", page.submit, guard=_GUARD, face="page", methods=["POST"]),
    ]
