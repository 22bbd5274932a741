"""The authorization endpoint (RFC 6749 section 3.1, OIDC Core section 3.1.2). No CORS.

A request that needs nobody is answered at once and writes no interaction.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from limen.access.require import public
from limen.db.work import Work
from limen.oauth.authorization.address import note_refusal
from limen.oauth.authorization.answer import issue_code, tell_refusal
from limen.oauth.authorization.asked import (
    AskConsent,
    Issue,
    Missing,
    Refuse,
    ShowSignIn,
    SignedIn,
    StepUp,
)
from limen.oauth.authorization.decide import authorize
from limen.oauth.authorization.interaction import open_interaction
from limen.oauth.endpoints.interactive.browser import (
    bind_browser,
    refuse_head,
    remember_browser,
    send_answer,
)
from limen.oauth.endpoints.interactive.browser import signed_in as browser_session
from limen.oauth.endpoints.interactive.by_accept import ByAccept
from limen.oauth.endpoints.interactive.front_end import open_by_json
from limen.oauth.endpoints.interactive.ways import way_on
from limen.oauth.parts import Parts
from limen.web.deps import authenticate
from limen.web.exchange import Exchange
from limen.web.forms import read_form, read_query
from limen.web.rate_limit import check_rate
from limen.web.redirects import page_url, see_other

PATH: Final = "/oauth2/authorize"
_ANYONE: Final = public("clients and people are looked at inside")


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint: anyone may ask; clients and people are looked at inside."""

    async def authorize_page(request: Request, work: Work) -> Response:
        return await ask_by_page(request, work, parts=parts)

    async def authorize_json(request: Request, work: Work) -> Response:
        return await ask_by_json(request, work, parts=parts)

    endpoint = ByAccept(
        page=Exchange(authorize_page, guard=_ANYONE, face="page", cross_site=True),
        json=Exchange(authorize_json, guard=_ANYONE, face="oauth", cross_site=True),
    )
    return [Route(PATH, endpoint, methods=["GET", "POST"], name="authorize")]


async def ask_by_page(request: Request, work: Work, *, parts: Parts) -> Response:
    """Answer a browser: with the client's answer, or with the page that comes first."""
    refuse_head(request)
    check_rate(request, "authorize")
    if request.method == "POST":
        return await again_by_get(request)
    params = read_query(request)
    who = browser_session(await authenticate(request, work))
    match await authorize(work, params=params, desk=parts.desk, who=who):
        case Issue(asked=asked, who=signed_in):
            answer = await issue_code(work, desk=parts.desk, asked=asked, who=signed_in)
            return send_answer(request, answer, pages=parts.pages)
        case Refuse() as refuse:
            return await _refuse(request, work, parts=parts, refuse=refuse, who=who)
        case ShowSignIn() | StepUp() | AskConsent() as missing:
            return await _lead(request, work, parts=parts, missing=missing)


async def ask_by_json(request: Request, work: Work, *, parts: Parts) -> Response:
    """Answer a front end: with the interaction it has to lead a person through, or the end."""
    refuse_head(request)
    check_rate(request, "authorize")
    if request.method == "POST":
        return await again_by_get(request)
    status, view = await open_by_json(request, work, params=read_query(request), parts=parts)
    return JSONResponse(view, status, {"cache-control": "no-store"})


async def again_by_get(request: Request) -> Response:
    """Send a POST's parameters round again by GET.

    A POST from a client's page is cross-site: no cookie comes with it, and none is read, so
    nobody would seem to be signed in. The same request by GET is a navigation of its own.
    """
    form = await read_form(request)
    return see_other(f"{page_url(request, PATH)}?{urlencode(form.pairs, quote_via=quote)}")


async def _lead(request: Request, work: Work, *, parts: Parts, missing: Missing) -> Response:
    """Keep the request and send the browser to the page that comes next."""
    cookie, binding = bind_browser(request)
    opened = await open_interaction(
        work, missing=missing, binding=binding, ttl=parts.interaction_ttl
    )
    url = await way_on(work, envelope=parts.envelope, raw_handle=opened.raw_handle, missing=missing)
    return remember_browser(see_other(url), request, cookie)


async def _refuse(
    request: Request, work: Work, *, parts: Parts, refuse: Refuse, who: SignedIn | None
) -> Response:
    """Tell the client; but a client nobody vouched for does not get a stranger's browser.

    Whoever may register may register a bad site and make us bounce people to it with requests
    that are wrong on purpose (N015): they see our page first.
    """
    if not refuse.to.client.verified and who is None and not refuse.to.is_silent:
        note_refusal(work, client_id=refuse.to.client.client_id, refusal=refuse.refusal)
        raise refuse.refusal
    answer = await tell_refusal(work, desk=parts.desk, to=refuse.to, refusal=refuse.refusal)
    return send_answer(request, answer, pages=parts.pages)
