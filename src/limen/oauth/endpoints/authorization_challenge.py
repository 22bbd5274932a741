"""The authorization challenge endpoint (draft-ietf-oauth-first-party-apps). CORS: nobody.

It is for apps that run outside a browser: no page of another origin asks for our passwords.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.caller import Caller
from limen.oauth.endpoints.answers import json_answer
from limen.oauth.endpoints.calling import authenticated
from limen.oauth.endpoints.sender import prove_sender
from limen.oauth.events import AuthorizationRefused
from limen.oauth.first_party.challenge import (
    Challenged,
    Insufficient,
    Presented,
    RedirectToWeb,
    answer_challenge,
    without_credentials,
)
from limen.oauth.parts import Parts
from limen.protocol.params import Params
from limen.signin.door import Door
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form
from limen.web.peer.client_ip import address_block, client_ip
from limen.web.rate_limit import check_rate
from limen.web.state import works_of

PATH: Final = "/oauth2/authorization_challenge"


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; it authenticates clients itself."""

    async def authorization_challenge(request: Request, work: Work) -> Response:
        return await answer_challenge_request(request, work, parts=parts)

    return [route(PATH, authorization_challenge, methods=("POST",), guard=PUBLIC, face="oauth")]


async def answer_challenge_request(request: Request, work: Work, *, parts: Parts) -> Response:
    """Authenticate the app, take what it presents, answer with a code or with what is missing."""
    check_rate(request, "login")
    params = await read_form(request)
    client = await authenticated(request, work, parts=parts, params=params)
    try:
        bound_to = await prove_sender(request, work, parts=parts, client=client)
        done = await answer_challenge(
            work,
            presented=_presented(request, params),
            caller=Caller(client=client, bound_to=bound_to),
            desk=parts.desk,
            door=Door(works=works_of(request), envelope=parts.envelope, hasher=parts.hasher),
        )
    except OAuthRefusal as refusal:
        if not refusal.is_told:
            event = AuthorizationRefused(client_id=client.client_id, reason=refusal.code)
            work.even_if_refused(partial(Work.record, event=event))
        raise
    return _answer(done)


def _presented(request: Request, params: Params) -> Presented:
    params.refuse_repeated(may_repeat=("resource",))
    return Presented(
        params=without_credentials(params),
        raw_session=params.secret("auth_session"),
        username=params.one("username") or "",
        raw_password=params.secret("password"),
        raw_otp=params.secret("otp"),
        address_block=address_block(client_ip(request)),
        user_agent=request.headers.get("user-agent", ""),
    )


def _answer(done: Challenged) -> Response:
    if isinstance(done, Insufficient):
        return _told(
            {
                "error": "insufficient_authorization",
                "error_description": f"Ask for the {done.wanted}, and send it with auth_session.",
                "auth_session": done.raw_session.reveal(),
                "expires_in": done.expires_in,
                "required": done.wanted,
            },
            status=400,
        )
    if isinstance(done, RedirectToWeb):
        text = "The rest takes a browser: begin an authorization request there."
        return _told({"error": "redirect_to_web", "error_description": text}, status=400)
    return _told({"authorization_code": dict(done.pairs)["code"]}, status=200)


def _told(members: dict[str, Any], *, status: int) -> Response:
    return json_answer(json.dumps(members).encode(), status=status)
