"""The logout endpoint (OIDC RP-Initiated Logout 1.0). CORS: nobody; it is a page.

``/oauth2/logout`` takes requests of clients, by GET and by POST from their own pages; it never
ends a session that was not its business. The question is answered at ``/oauth2/logout/answer``,
which only our own page can post to.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.oauth.logout.decide import AskFirst, EndNow, Outcome, decide_logout
from limen.oauth.logout.front_channel import frames_of, origins_of
from limen.oauth.parts import Parts
from limen.protocol.logout_request import PARAMETERS, LogoutRequest, parse_logout_request
from limen.protocol.params import Params
from limen.sessions.revoke import revoke
from limen.web import cookies
from limen.web.deps import authenticate
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form, read_query
from limen.web.redirects import page_url, see_other

_PATH: Final = "/oauth2/logout"


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint and the address of its question."""

    async def logout(request: Request, work: Work) -> Response:
        if request.method == "POST":
            return await _continue_by_get(request)
        who = await authenticate(request, work)
        params = read_query(request)
        match await _decide(work, parts, params=params, who=who):
            case AskFirst(client_name=name):
                return _ask(request, parts, params=params, client_name=name)
            case EndNow(location=location):
                return await _end(request, work, parts, who=who, location=location)

    async def answer_logout(request: Request, work: Work) -> Response:
        who = await authenticate(request, work)
        params = await read_form(request)
        if params.one("answer") != "yes":
            return parts.pages.render(request, "oauth/logout_kept.html")
        outcome = await _decide(work, parts, params=_forwarded(params), who=who)
        return await _end(request, work, parts, who=who, location=outcome.location)

    return [
        route(_PATH, logout, methods=("GET", "POST"), guard=PUBLIC, face="page", cross_site=True),
        route(f"{_PATH}/answer", answer_logout, methods=("POST",), guard=PUBLIC, face="page"),
    ]


async def _continue_by_get(request: Request) -> Response:
    """Send a client's POST back to us as a GET, with which the browser sends its cookie."""
    params = _forwarded(await read_form(request))
    parse_logout_request(params)
    query = urlencode(params.pairs, quote_via=quote)
    return see_other(page_url(request, _PATH) + (f"?{query}" if query else ""))


async def _decide(work: Work, parts: Parts, *, params: Params, who: Actor) -> Outcome:
    asked: LogoutRequest = parse_logout_request(params)
    return await decide_logout(work, request=asked, who=who, desk=parts.desk)


def _ask(request: Request, parts: Parts, *, params: Params, client_name: str) -> Response:
    return parts.pages.render(
        request,
        "oauth/logout.html",
        # The yes ends at the client's address.
        form_action=False,
        client_name=client_name,
        asked=_forwarded(params).pairs,
    )


async def _end(
    request: Request, work: Work, parts: Parts, *, who: Actor, location: str | None
) -> Response:
    """End the session of this browser, and no other (N177)."""
    frames: list[str] = []
    if who.kind == "user" and who.scope is None:
        frames = await frames_of(work, clients=parts.clients, session_id=who.session_id)
        await revoke(work, session_id=who.session_id, user_id=who.id, must_exist=False)
    if location is None or frames:
        response = _signed_out(request, parts, frames=frames, location=location)
    else:
        response = see_other(location)
    cookies.clear(response, request, "session")
    return response


def _signed_out(
    request: Request, parts: Parts, *, frames: list[str], location: str | None
) -> Response:
    """Say so; frames tell the clients that want it from the browser, then it goes on."""
    return parts.pages.render(
        request,
        "oauth/logged_out.html",
        scripts=bool(frames and location),
        frames_from=origins_of(frames),
        frames=frames,
        location=location,
    )


def _forwarded(params: Params) -> Params:
    """Keep what the specification names; the rest was never ours."""
    return Params(pair for pair in params.pairs if pair[0] in PARAMETERS)
