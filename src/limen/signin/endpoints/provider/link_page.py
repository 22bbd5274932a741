"""``/account/link/{provider}``: another way in, for somebody who signed in a moment ago."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import check_recent, signed_in
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.federation.begin import MAX_AWAY
from limen.federation.parts import Parts as FederationParts
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import ReauthenticationRequired
from limen.kernel.secret import Secret
from limen.kernel.tokens import random_secret
from limen.signin.continue_url import sign_continue
from limen.signin.endpoints.provider_sign_in import COOKIE
from limen.signin.parts import Parts
from limen.signin.provider.rules import check_offered
from limen.signin.with_provider import Departure, begin_sign_in, find_sign_in_provider
from limen.web import cookies
from limen.web.exchange import route
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

_GUARD: Final = PagesOnly(signed_in())


class LinkPage:
    """Say what will happen, and leave."""

    def __init__(self, parts: Parts, federation: FederationParts) -> None:
        self._parts = parts
        self._federation = federation

    async def show(self, request: Request, work: Work) -> Response:
        """Name both accounts' sides; or ask for a recent sign-in first."""
        check_rate(request, "page")
        name = request.path_params["provider"]
        check_offered(work, name)
        client = await get_upstream_client(work, self._federation.envelope, provider=name)
        provider = find_sign_in_provider(self._federation, name, client.config)
        try:
            check_recent(work)
        except ReauthenticationRequired:
            signed = await sign_continue(
                work,
                envelope=self._parts.envelope,
                path=page_url(request, f"/account/link/{name}"),
            )
            return see_other(page_url(request, "/sign-in", reauth="1", **{"continue": signed}))
        user = await get_user(work, work.actor.id)
        # What is submitted here ends at the provider.
        return self._parts.pages.render(
            request,
            "signin/link.html",
            form_action=False,
            provider=name,
            title=provider.title,
            email=user.email or "",
        )

    async def leave(self, request: Request, work: Work) -> Response:
        """Send the browser to the provider; only this form does, and never a link (N124)."""
        check_rate(request, "login")
        known = cookies.read(request, COOKIE)
        departure = Departure(
            provider=request.path_params["provider"],
            raw_browser=Secret(known) if known else random_secret(),
            continue_path=page_url(request, "/account"),
            links=True,
        )
        response = see_other(await begin_sign_in(work, self._federation, departure=departure))
        value = departure.raw_browser.reveal()
        cookies.write(response, request, COOKIE, value=value, max_age=MAX_AWAY)
        return response


def pages(parts: Parts, federation: FederationParts) -> list[BaseRoute]:
    """Return the routes."""
    page = LinkPage(parts, federation)
    path = "/account/link/{provider}"
    return [
        route(path, page.show, guard=_GUARD, face="page"),
        route(path, page.leave, guard=_GUARD, face="page", methods=["POST"]),
    ]
