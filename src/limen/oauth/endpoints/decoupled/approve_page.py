"""``/approve``: a request of a device or of a server, shown in full, answered by the person."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import MalformedRequest
from limen.oauth.authorization.asked import SignedIn
from limen.oauth.decoupled.decide import Looked, approve, deny, look
from limen.oauth.endpoints.decoupled.answering import sign_in_first
from limen.oauth.endpoints.decoupled.shown import approval_words
from limen.oauth.endpoints.interactive.browser import refuse_head, signed_in
from limen.oauth.parts import Parts
from limen.signin.endpoints.lead_on import step_url
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate
from limen.web.redirects import see_other

PATH: Final = "/approve"


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the page: open to who may answer, by session or by person."""

    async def approve_page(request: Request, work: Work) -> Response:
        return await show_or_answer(request, work, parts=parts)

    guard = PagesOnly(public("shows nothing to strangers: it sends them to sign in first"))
    return [route(PATH, approve_page, methods=("GET", "POST"), guard=guard, face="page")]


def approve_url(work: Work, request_id: str) -> str:
    """Return where a request is answered."""
    return f"{work.site.path}{_path(request_id)}"


async def show_or_answer(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the question, or take the answer: only the request and the decision count."""
    refuse_head(request)
    check_rate(request, "interaction")
    params = await read_form(request) if request.method == "POST" else read_query(request)
    request_id = params.required("request")[:64]
    who = signed_in(await authenticate(request, work))
    if who is None:
        return await sign_in_first(work, envelope=parts.envelope, path=_path(request_id))
    decision = params.required("decision") if request.method == "POST" else None
    if decision == "deny":
        await deny(work, request_id=request_id, who=who)
        return _done(request, parts, approved=False)
    looked = await look(work, request_id=request_id, who=who, desk=parts.desk)
    match looked.waits:
        case "sign_in":
            return await sign_in_first(
                work, envelope=parts.envelope, path=_path(request_id), again=True
            )
        case "consent":
            pass
        case step:
            back = approve_url(work, request_id)
            return see_other(await step_url(work, envelope=parts.envelope, path=back, step=step))
    if decision is None:
        return await _ask(request, work, parts=parts, looked=looked, who=who)
    if decision != "allow":
        raise MalformedRequest("decision_invalid", "decision is allow or deny.")
    await approve(work, request_id=request_id, who=who, desk=parts.desk)
    return _done(request, parts, approved=True)


async def _ask(
    request: Request, work: Work, *, parts: Parts, looked: Looked, who: SignedIn
) -> Response:
    user = await get_user(work, who.user_id)
    return parts.pages.render(
        request, "oauth/approve.html", email=user.email, **approval_words(looked)
    )


def _done(request: Request, parts: Parts, *, approved: bool) -> Response:
    return parts.pages.render(request, "oauth/approved.html", approved=approved)


def _path(request_id: str) -> str:
    return f"{PATH}?{urlencode({'request': request_id})}"
