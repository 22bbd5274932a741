"""``/device``: somebody types the code that their device shows.

Whoever comes is signed in first. A link may carry the code; it is typed all the same, from the
device itself: a link proves nothing about who holds the device (RFC 8628 sections 3.3.1, 5.4).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.require import public
from limen.db.work import Work
from limen.oauth.decoupled.typed_code import check_confirmed, open_typed
from limen.oauth.endpoints.decoupled.answering import sign_in_first
from limen.oauth.endpoints.decoupled.approve_page import approve_url
from limen.oauth.endpoints.interactive.browser import refuse_head, signed_in
from limen.oauth.parts import Parts
from limen.protocol.decoupled.device import VERIFICATION_PATH
from limen.protocol.decoupled.user_code import MAX_TYPED_CHARACTERS
from limen.protocol.params import Params
from limen.signin.endpoints.form_page import FormPage
from limen.web.deps import authenticate
from limen.web.exchange import address_block, client_ip, route, works_of
from limen.web.forms import read_form, read_query
from limen.web.pages.only import PagesOnly
from limen.web.rate_limit import check_rate
from limen.web.redirects import see_other

LINKED: Final = "user_code"
TYPED: Final = "user-code"


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the page."""

    async def device_page(request: Request, work: Work) -> Response:
        return await show_or_take(request, work, parts=parts)

    guard = PagesOnly(public("shows nothing to strangers: it sends them to sign in first"))
    return [
        route(VERIFICATION_PATH, device_page, methods=("GET", "POST"), guard=guard, face="page")
    ]


async def show_or_take(request: Request, work: Work, *, parts: Parts) -> Response:
    """Show the form, or take the code and lead on to the question."""
    refuse_head(request)
    check_rate(request, "interaction")
    params = await read_form(request) if request.method == "POST" else read_query(request)
    linked = _linked(params)
    who = signed_in(await authenticate(request, work))
    if who is None:
        path = VERIFICATION_PATH + (f"?{urlencode({LINKED: linked})}" if linked else "")
        return await sign_in_first(work, envelope=parts.envelope, path=path)
    page = FormPage(parts.pages, "oauth/device.html")
    context = {"linked": linked or ""}
    if request.method == "GET":
        return page.show(request, context)
    page.again(request, context)
    typed = params.one(TYPED) or ""
    await check_confirmed(work, envelope=parts.envelope, linked=linked, typed=typed)
    opened = await open_typed(
        work,
        works=works_of(request),
        envelope=parts.envelope,
        who=who,
        block=address_block(client_ip(request)),
        typed=typed,
    )
    return see_other(approve_url(work, opened.id))


def _linked(params: Params) -> str | None:
    """Return the code in the link, if it can be one at all."""
    linked = params.one(LINKED)
    return None if linked is None or len(linked) > MAX_TYPED_CHARACTERS else linked
