"""Dynamic client registration (RFC 7591) and its management (RFC 7592). CORS: any origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.errors import BearerRefusal, InvalidInput, OAuthRefusal
from limen.kernel.json_depth import is_too_deep
from limen.kernel.secret import Secret
from limen.oauth.endpoints.answers import json_answer
from limen.oauth.parts import Parts
from limen.oauth.registration.described import PATH, described
from limen.oauth.registration.manage import (
    delete_registration,
    read_registration,
    replace_registration,
)
from limen.oauth.registration.register import SelfRegistered, register_itself
from limen.protocol.jose import JwtRefused, parse_object
from limen.web.exchange import PUBLIC, route
from limen.web.forms import check_is_json
from limen.web.rate_limit import check_rate

_ITS_CODES: Final = frozenset({"invalid_redirect_uri", "invalid_client_metadata"})


def routes(parts: Parts) -> list[BaseRoute]:
    """Return both addresses; tokens of their own say who may."""

    async def register(request: Request, work: Work) -> Response:
        return await answer_registration(request, work, parts=parts)

    async def manage(request: Request, work: Work) -> Response:
        return await answer_management(request, work, parts=parts)

    return [
        route(PATH, register, methods=("POST",), guard=PUBLIC, face="oauth"),
        route(
            f"{PATH}/{{client_id}}",
            manage,
            methods=("GET", "PUT", "DELETE"),
            guard=PUBLIC,
            face="oauth",
        ),
    ]


async def answer_registration(request: Request, work: Work, *, parts: Parts) -> Response:
    """Register a client; 201 with all that was registered."""
    check_rate(request, "registration")
    try:
        made = await register_itself(
            work,
            registrar=parts.registrar,
            members=await _read_members(request),
            raw_token=_read_bearer(request),
        )
    except InvalidInput as refusal:
        raise _in_its_words(refusal) from None
    answer = _described(work, made)
    answer.status_code = 201
    return answer


async def answer_management(request: Request, work: Work, *, parts: Parts) -> Response:
    """Read, replace or delete the registration that the access token belongs to."""
    check_rate(request, "registration")
    client_id, raw_token = str(request.path_params["client_id"]), _read_bearer(request)
    if request.method == "DELETE":
        await delete_registration(work, client_id=client_id, raw_token=raw_token)
        return Response(status_code=204, headers={"cache-control": "no-store"})
    if request.method != "PUT":
        read = await read_registration(work, client_id=client_id, raw_token=raw_token)
        return _described(work, read)
    try:
        replaced = await replace_registration(
            work,
            registrar=parts.registrar,
            client_id=client_id,
            members=await _read_members(request),
            raw_token=raw_token,
        )
    except InvalidInput as refusal:
        raise _in_its_words(refusal) from None
    return _described(work, replaced)


def _described(work: Work, made: SelfRegistered) -> Response:
    return json_answer(
        described(
            work.site,
            made.client,
            raw_token=made.raw_token,
            raw_secret=made.raw_secret,
            asked=made.asked,
            software_statement=made.software_statement,
        )
    )


async def _read_members(request: Request) -> Mapping[str, Any]:
    check_is_json(request)
    body = await request.body()
    unreadable = OAuthRefusal(
        "invalid_client_metadata", "The body is not a JSON object, each member once."
    )
    if is_too_deep(body.decode("utf-8", "replace")):
        raise unreadable
    try:
        return parse_object(body)
    except JwtRefused:
        raise unreadable from None


def _read_bearer(request: Request) -> Secret[str] | None:
    """Return the token of the header; one that is no bearer token is a bad one, not none."""
    lines = request.headers.getlist("authorization")
    if not lines:
        return None
    if len(lines) > 1:
        # Whoever stands in front of us may have looked at the other one (N055).
        raise BearerRefusal("invalid_request", "Send one Authorization header.")
    scheme, _, raw_token = lines[0].partition(" ")
    if scheme.lower() != "bearer" or not raw_token.strip(" "):
        raise BearerRefusal("invalid_request", "Send the token as a Bearer token.")
    return Secret(raw_token.strip(" "))


def _in_its_words(refusal: InvalidInput) -> OAuthRefusal:
    """Say it in the codes of RFC 7591 section 3.2.2."""
    code = refusal.code if refusal.code in _ITS_CODES else "invalid_client_metadata"
    public = refusal.public
    if refusal.field and not public.startswith(refusal.field):
        public = f"{refusal.field}: {public}"
    return OAuthRefusal(code, public, detail=refusal.detail, field=refusal.field)
