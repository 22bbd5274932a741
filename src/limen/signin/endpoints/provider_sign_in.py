"""``/api/v1/auth/oauth2``: which providers there are, away to one, and back."""

from __future__ import annotations

import re
from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.db.work import Work
from limen.federation.begin import MAX_AWAY
from limen.federation.finish import Callback
from limen.federation.parts import Parts as FederationParts
from limen.kernel.errors import MalformedRequest
from limen.kernel.secret import Secret
from limen.kernel.tokens import random_secret
from limen.protocol.params import Params
from limen.signin.continue_url import read_continue, sign_continue
from limen.signin.endpoints.lead_on import lead_on
from limen.signin.parts import ListProviders
from limen.signin.provider.prove_mailbox import TTL, ProofNeeded
from limen.signin.provider.ticket import FrontEnd
from limen.signin.with_provider import (
    Arrival,
    Arrived,
    Departure,
    Linked,
    SentOn,
    begin_sign_in,
    finish_sign_in,
    provider_buttons,
)
from limen.web import cookies
from limen.web.deps import CurrentWork, authenticate
from limen.web.exchange import WorkRoute, route
from limen.web.forms import read_form, read_query
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

COOKIE: Final = "flow-sign-in"
PROVE_COOKIE: Final = "prove"
"""Names a sign-in that has to prove a mailbox; it opens nothing."""
PROVE_PATH: Final = "/sign-in/prove"
_POSTED: Final = ("state", "code", "error", "iss", "user")
"""What is read of a posted answer; an ID token beside the code is believed nowhere."""
_MAX_POSTED_CHARS: Final = 4096
_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_DOOR: Final = public("one of the doors itself")


class SignInProviderModel(BaseModel):
    """A provider to sign in with."""

    id: str
    title: str
    status: Literal["ok", "failing"]
    start_url: str


class SignInProvidersAnswer(BaseModel):
    """All of a tenant's."""

    items: list[SignInProviderModel]


def routes(parts: FederationParts, *, prefix: str = "/api/v1") -> APIRouter:
    """Return the JSON API."""
    router = APIRouter(prefix=f"{prefix}/auth/oauth2", route_class=WorkRoute, tags=["auth"])
    buttons = provider_buttons(parts)

    @router.get("/providers", dependencies=[public("a sign-in page shows them to anyone")])
    async def providers(work: CurrentWork) -> SignInProvidersAnswer:
        """List the providers people can sign in with."""
        return SignInProvidersAnswer(items=await list_sign_in_providers(work, buttons))

    return router


async def list_sign_in_providers(work: Work, buttons: ListProviders) -> list[SignInProviderModel]:
    """Return the providers people can sign in with, and where a browser starts."""
    return [
        SignInProviderModel(
            id=button.id,
            title=button.name,
            status=button.status,
            start_url=f"{work.site.issuer}/api/v1/auth/oauth2/{button.id}/start",
        )
        for button in await buttons(work)
    ]


def pages(parts: FederationParts) -> list[BaseRoute]:
    """Return the routes a browser visits."""
    ours = _ProviderPages(parts)
    return [
        route("/api/v1/auth/oauth2/{provider}/start", ours.leave, guard=_DOOR, face="page"),
        route("/api/v1/auth/oauth2/{provider}/callback", ours.arrive, guard=_DOOR, face="page"),
        route(
            "/api/v1/auth/oauth2/{provider}/callback",
            ours.come_back_by_post,
            guard=_DOOR,
            face="page",
            methods=("POST",),
            cross_site=True,
        ),
    ]


class _ProviderPages:
    """Away, and back."""

    def __init__(self, parts: FederationParts) -> None:
        self._parts = parts

    async def leave(self, request: Request, work: Work) -> Response:
        """Send the browser to the provider, with a cookie that only it can bring back."""
        check_rate(request, "login")
        query = read_query(request)
        path = await read_continue(work, envelope=self._parts.envelope, raw=query.one("continue"))
        known = cookies.read(request, COOKIE)
        departure = Departure(
            provider=request.path_params["provider"],
            raw_browser=Secret(known) if known else random_secret(),
            continue_path=path or page_url(request, "/account"),
            front_end=_front_end(query),
        )
        response = see_other(await begin_sign_in(work, self._parts, departure=departure))
        value = departure.raw_browser.reveal()
        cookies.write(response, request, COOKIE, value=value, max_age=MAX_AWAY)
        return response

    async def arrive(self, request: Request, work: Work) -> Response:
        """Take the provider's answer and begin a session."""
        check_rate(request, "login")
        actor, site = await authenticate(request, work), work.site
        known = cookies.read(request, COOKIE)
        arrival = Arrival(
            callback=Callback(
                params=read_query(request),
                provider=request.path_params["provider"],
                purpose="sign_in",
                actor=actor,
                # Without the cookie a hash of a fresh secret: it matches nothing (N115).
                raw_browser=Secret(known) if known else random_secret(),
            ),
            user_agent=request.headers.get("user-agent", ""),
            session_id=actor.session_id if actor.scope is None else "",
        )
        await work.let_go()
        arrived = await finish_sign_in(self._parts, site, arrival=arrival)
        return await self._answer(request, work, arrived)

    async def come_back_by_post(self, request: Request, work: Work) -> Response:
        """Send a browser on that a provider's own site sent here with a form (Apple).

        Our cookie does not come with another site's POST, so that nothing here can tell whose
        browser it is. The answer goes on as a navigation to the same address, which brings the
        cookie; only there is the journey taken, bound to that browser.
        """
        check_rate(request, "login")
        _ = work
        provider = request.path_params["provider"]
        form = await read_form(request)
        told = {name: value for name in _POSTED if (value := form.one(name)) is not None}
        if not _ID.fullmatch(provider) or sum(map(len, told.values())) > _MAX_POSTED_CHARS:
            raise MalformedRequest("callback_invalid", "The provider's answer can't be read.")
        return see_other(page_url(request, f"/api/v1/auth/oauth2/{provider}/callback", **told))

    async def _answer(self, request: Request, work: Work, arrived: Arrived) -> Response:
        """Send the browser on: in, to a step or a proof, or back to a front end."""
        path = arrived.continue_path
        match arrived.outcome:
            case ProofNeeded() as needed:
                signed = await sign_continue(work, envelope=self._parts.envelope, path=path)
                response = see_other(page_url(request, PROVE_PATH, **{"continue": signed}))
                value = needed.raw_token.reveal()
                cookies.write(response, request, PROVE_COOKIE, value=value, max_age=TTL)
                return response
            case Linked():
                return see_other(page_url(request, "/account", done="identity-linked"))
            case SentOn(url=url):
                return see_other(url)
            case outcome:
                return await lead_on(request, work, outcome=outcome, path=path, parts=self._parts)


def _front_end(query: Params) -> FrontEnd | None:
    """Read who waits for the browser, if it is a front end of another origin."""
    return_to = query.one("return_to")
    if return_to is None:
        return None
    challenge, state = query.one("code_challenge") or "", query.one("state") or ""
    return FrontEnd(return_to=return_to, challenge=challenge, state=state)
