"""The UserInfo endpoint (OIDC Core section 5.3). CORS: the origins of the tenant's clients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.accounts.claims import all_claims
from limen.accounts.directory import find_user
from limen.db.work import Work
from limen.kernel.errors import BearerRefusal, NotAuthenticated
from limen.oauth.client_keys.recipient import recipient_of, seal_for, sign_for
from limen.oauth.endpoints.answers import json_answer, jwt_answer
from limen.oauth.endpoints.sender import proof_algs, second_address
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.protocol.claims import claims_of_scopes, select_claims
from limen.protocol.claims_request import names_for
from limen.protocol.scopes import OPENID
from limen.protocol.sender.confirmation import token_type
from limen.tokens.issue_access_token import was_exchanged
from limen.tokens.look_up import ActiveToken
from limen.tokens.sender.admit import admit
from limen.tokens.sender.credentials import PresentedToken, read_credentials
from limen.web.exchange import PUBLIC, route
from limen.web.forms import is_form, read_form


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; the access token is its guard."""

    async def proof_algs_of(work: Work, token: ActiveToken) -> frozenset[str]:
        return proof_algs(await _client_of(work, parts, token))

    async def userinfo(request: Request, work: Work) -> Response:
        token = await admit(
            request,
            work,
            keyring=parts.keyring,
            presented=await read_token(request),
            also_at=second_address(request, work, parts=parts),
            algorithms_of=proof_algs_of,
        )
        user_id = _person_of(token)
        client = await _client_of(work, parts, token)
        told = await _told(work, token, user_id=user_id, client=client)
        return await _answer(work, parts, client=client, told=told)

    return [
        route("/oauth2/userinfo", userinfo, methods=("GET", "POST"), guard=PUBLIC, face="oauth")
    ]


async def read_token(request: Request) -> PresentedToken:
    """Return the access token from the header or the form; a query is not looked at (N093).

    In the form it is a bearer token: one bound to a key comes with the scheme ``DPoP``, which
    is the header's (RFC 9449 section 7.1).

    Raises:
        NotAuthenticated: There is none.
        BearerRefusal: ``invalid_request``: two ways at once, or two tokens
            (RFC 6750 section 2).
    """
    in_form = None
    if request.method == "POST" and is_form(request):
        in_form = (await read_form(request)).secret("access_token")
    header = request.headers.getlist("authorization")
    if len(header) + (in_form is not None) > 1:
        raise BearerRefusal("invalid_request", "Send the access token once, in one way.")
    if in_form is not None:
        return PresentedToken(raw=in_form, scheme="Bearer")
    presented = None
    if header and header[0].partition(" ")[2].strip(" "):
        presented = read_credentials(header)
    if presented is None:
        raise NotAuthenticated(public="Send an access token.")
    return presented


async def _answer(work: Work, parts: Parts, *, client: Client, told: Mapping[str, Any]) -> Response:
    """Answer as the client registered: JSON, signed, encrypted, or both (section 5.3.2)."""
    alg = client.metadata.userinfo_signed_response_alg
    recipient = await recipient_of(work, keys=parts.client_keys, client=client, answer="userinfo")
    if alg is not None:
        claims = {**told, "iss": work.site.issuer, "aud": client.client_id}
        raw = await sign_for(
            work, keyring=parts.keyring, claims=claims, typ="JWT", alg=alg, recipient=recipient
        )
    elif recipient is not None:
        raw = seal_for(recipient, json.dumps(told), cty="")
    else:
        return json_answer(json.dumps(told).encode())
    return jwt_answer(raw, media_type="application/jwt")


async def _client_of(work: Work, parts: Parts, token: ActiveToken) -> Client:
    client = await parts.clients.find(work, token.client_id)
    if client is None:
        raise BearerRefusal("invalid_token", "The access token is invalid or expired.")
    return client


def _person_of(token: ActiveToken) -> str:
    """Return whom a token identifies.

    Raises:
        BearerRefusal: ``insufficient_scope`` for a token that was not made to identify a
            person, a client's own among them (N095).
    """
    if token.user_id is None or OPENID not in token.scope:
        raise BearerRefusal(
            "insufficient_scope",
            "The access token lacks the scope openid.",
            scope=OPENID,
            scheme=token_type(token.bound_to),
        )
    return token.user_id


async def _told(work: Work, token: ActiveToken, *, user_id: str, client: Client) -> dict[str, Any]:
    """Return the claims that the token's scopes open, and those asked for by name; ``sub`` always.

    A scope that the client lost since takes the claims along that were asked for by name (N049).
    What was asked for by name is told to who asked: not to a client that exchanged its token.
    """
    user = await find_user(work, user_id)
    if user is None:
        raise BearerRefusal("invalid_token", "The access token is invalid or expired.")
    names: frozenset[str] = frozenset()
    if not was_exchanged(token.jti):
        names = names_for(token.requested_claims, "userinfo") & claims_of_scopes(client.scope)
    opened = select_claims(all_claims(user), scope=token.scope, names=names)
    return {**opened, "sub": token.subject}
