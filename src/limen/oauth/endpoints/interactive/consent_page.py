"""Where a browser goes on with an interaction: after sign-in, and on the consent page."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import MalformedRequest
from limen.kernel.secret import Secret
from limen.oauth.authorization.asked import AskConsent, Asked, Missing, SignedIn
from limen.oauth.authorization.interaction import (
    allow,
    check_binding,
    deny,
    find_interaction,
    finish,
    not_found,
)
from limen.oauth.endpoints.interactive import words
from limen.oauth.endpoints.interactive.browser import (
    browser_binding,
    refuse_head,
    send_answer,
    signed_in,
)
from limen.oauth.endpoints.interactive.ways import (
    CONSENT_PATH,
    CONTINUE_PATH,
    sign_in_url,
    way_on,
)
from limen.oauth.model import Interaction
from limen.oauth.parts import Parts
from limen.protocol.params import Params
from limen.protocol.responses import AuthorizationResponse
from limen.web.deps import authenticate
from limen.web.exchange import route
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate
from limen.web.redirects import see_other

_BOUND: Final = PagesOnly(public("the browser that the interaction is bound to comes in"))


def routes(parts: Parts) -> list[BaseRoute]:
    """Return both addresses: open to the browser that the interaction is bound to."""

    async def continue_authorization(request: Request, work: Work) -> Response:
        return await go_on(request, work, parts=parts)

    async def consent_page(request: Request, work: Work) -> Response:
        return await show_or_answer(request, work, parts=parts)

    return [
        route(CONTINUE_PATH, continue_authorization, guard=_BOUND, face="page"),
        route(CONSENT_PATH, consent_page, methods=("GET", "POST"), guard=_BOUND, face="page"),
    ]


async def go_on(request: Request, work: Work, *, parts: Parts) -> Response:
    """Take up the interaction after sign-in: answer it, or show what comes next."""
    refuse_head(request)
    check_rate(request, "interaction")
    query = read_query(request)
    raw_handle, interaction = await _own(request, work, query)
    if query.first("cancelled") is not None:
        answer = await deny(work, interaction=interaction, desk=parts.desk)
        return send_answer(request, answer, pages=parts.pages)
    who = signed_in(await authenticate(request, work))
    match await finish(work, interaction=interaction, desk=parts.desk, who=who):
        case AuthorizationResponse() as answer:
            return send_answer(request, answer, pages=parts.pages)
        case missing:
            return await _lead(work, parts, raw_handle=raw_handle, missing=missing)


async def show_or_answer(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the question, or take the answer to it."""
    refuse_head(request)
    check_rate(request, "interaction")
    who = signed_in(await authenticate(request, work))
    if request.method == "POST":
        return await _answer(request, work, parts=parts, who=who)
    raw_handle, interaction = await _own(request, work, read_query(request))
    match await finish(work, interaction=interaction, desk=parts.desk, who=who):
        case AuthorizationResponse() as answer:
            return send_answer(request, answer, pages=parts.pages)
        case AskConsent(asked=asked, who=someone):
            return await _ask(
                request, work, parts=parts, raw_handle=raw_handle, asked=asked, who=someone
            )
        case missing:
            return await _lead(work, parts, raw_handle=raw_handle, missing=missing)


async def _answer(request: Request, work: Work, *, parts: Parts, who: SignedIn | None) -> Response:
    """Take the answer: only the handle and the decision count of all the form says (N017)."""
    form = await read_form(request)
    raw_handle, interaction = await _own(request, work, form)
    match form.required("decision"):
        case "allow":
            done = await allow(work, interaction=interaction, desk=parts.desk, who=who)
        case "deny":
            done = await deny(work, interaction=interaction, desk=parts.desk)
        case _:
            raise MalformedRequest("decision_invalid", "decision is allow or deny.")
    match done:
        case AuthorizationResponse():
            return send_answer(request, done, pages=parts.pages)
        case missing:
            return await _lead(work, parts, raw_handle=raw_handle, missing=missing)


async def _own(request: Request, work: Work, params: Params) -> tuple[Secret[str], Interaction]:
    """Return the interaction of this browser, and of no other (N176)."""
    raw_handle = params.secret("interaction")
    if raw_handle is None:
        raise not_found()
    interaction = await find_interaction(work, raw_handle=raw_handle)
    check_binding(interaction, browser_binding(request))
    return raw_handle, interaction


async def _lead(work: Work, parts: Parts, *, raw_handle: Secret[str], missing: Missing) -> Response:
    return see_other(
        await way_on(work, envelope=parts.envelope, raw_handle=raw_handle, missing=missing)
    )


async def _ask(
    request: Request,
    work: Work,
    *,
    parts: Parts,
    raw_handle: Secret[str],
    asked: Asked,
    who: SignedIn,
) -> Response:
    redirect_uri = asked.to.redirect.uri
    resource = asked.resource
    user = await get_user(work, who.user_id)
    return parts.pages.render(
        request,
        "oauth/consent.html",
        form_action=False,
        ui_locales=asked.request.ui_locales,
        client=asked.client,
        email=user.email,
        scopes=words.scope_texts(asked.agreed_scope, resource=resource),
        details=words.detail_words(asked.details, resource=resource),
        resource="" if resource.is_issuer else resource.name or resource.identifier,
        destination=words.destination(redirect_uri),
        warning=words.warning(asked.client, redirect_uri=redirect_uri),
        links=words.links(asked.client),
        handle=raw_handle.reveal(),
        switch_url=await sign_in_url(
            work, envelope=parts.envelope, raw_handle=raw_handle, asked=asked, again=True
        ),
    )
