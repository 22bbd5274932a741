"""The token endpoint (RFC 6749 section 3.2). CORS: the origins of the tenant's clients."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.caller import Caller
from limen.oauth.client_keys.recipient import Recipient, recipient_of, seal_for
from limen.oauth.custom_claims import custom_claims
from limen.oauth.endpoints.answers import json_answer
from limen.oauth.endpoints.calling import authenticated
from limen.oauth.endpoints.sender import check_constrained, prove_sender
from limen.oauth.events import TokenRefused
from limen.oauth.granted import Granted, Handed, end_of
from limen.oauth.grants.authorization_code import grant_authorization_code
from limen.oauth.grants.ciba import grant_ciba
from limen.oauth.grants.client_credentials import grant_client_credentials
from limen.oauth.grants.device_code import grant_device_code
from limen.oauth.grants.jwt_bearer import grant_jwt_bearer
from limen.oauth.grants.refresh_token import grant_refresh_token
from limen.oauth.grants.token_exchange import grant_token_exchange
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.protocol.decoupled.backchannel import CibaRequest
from limen.protocol.decoupled.device import DeviceCodeRequest
from limen.protocol.jwt_bearer import JwtBearerRequest
from limen.protocol.responses import TokenAnswer, handed_response, token_response
from limen.protocol.sender.confirmation import token_type
from limen.protocol.token_exchange import TokenExchangeRequest
from limen.protocol.token_request import (
    AuthorizationCodeRequest,
    ClientCredentialsRequest,
    RefreshRequest,
    TokenRequest,
    parse_token_request,
)
from limen.tokens.issue_access_token import issue_access_token
from limen.tokens.issue_id_token import issue_id_token
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate

GRANTS: Final[Mapping[type[TokenRequest], Callable[..., Awaitable[Granted | Handed]]]] = {
    AuthorizationCodeRequest: grant_authorization_code,
    RefreshRequest: grant_refresh_token,
    ClientCredentialsRequest: grant_client_credentials,
    TokenExchangeRequest: grant_token_exchange,
    JwtBearerRequest: grant_jwt_bearer,
    DeviceCodeRequest: grant_device_code,
    CibaRequest: grant_ciba,
}
"""One use case for each ``grant_type``: ``(work, *, parts, caller, request) -> Granted``."""


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; anyone may call it, for it authenticates clients itself."""

    async def token(request: Request, work: Work) -> Response:
        return await answer_token_request(request, work, parts=parts)

    return [route("/oauth2/token", token, methods=("POST",), guard=PUBLIC, face="oauth")]


async def answer_token_request(request: Request, work: Work, *, parts: Parts) -> Response:
    """Authenticate, then parse, dispatch, issue: the steps that no grant can forget.

    Only the form counts; a query is not looked at (N041).
    """
    check_rate(request, "token")
    params = await read_form(request)
    client = await authenticated(request, work, parts=parts, params=params)
    try:
        asked = parse_token_request(params)
        _check_grant_type(client, params.required("grant_type"))
        bound_to = await prove_sender(request, work, parts=parts, client=client)
        recipient = await recipient_of(
            work, keys=parts.client_keys, client=client, answer="id_token"
        )
        caller = Caller(client=client, bound_to=bound_to)
        granted = await _decide(work, parts, caller, asked=asked)
        if isinstance(granted, Granted):
            check_constrained(granted.resource, bound_to)
    except OAuthRefusal as refusal:
        if not refusal.is_told:
            event = TokenRefused(client_id=client.client_id, reason=refusal.code)
            work.even_if_refused(partial(Work.record, event=event))
        raise
    if isinstance(granted, Handed):
        return _hand_out(granted)
    return await _issue(work, parts, granted, caller=caller, recipient=recipient)


async def _decide(
    work: Work, parts: Parts, caller: Caller, *, asked: TokenRequest
) -> Granted | Handed:
    grant = GRANTS[type(asked)]
    return await grant(work, parts=parts, caller=caller, request=asked)


def _check_grant_type(client: Client, grant_type: str) -> None:
    """Refuse a grant that the client did not register for (RFC 6749 section 5.2)."""
    if not client.may_use(grant_type):
        raise OAuthRefusal(
            "unauthorized_client",
            "The client is not registered for this grant_type.",
            field="grant_type",
        )


async def _issue(
    work: Work, parts: Parts, granted: Granted, *, caller: Caller, recipient: Recipient | None
) -> Response:
    """Make the tokens.

    Whichever the grant, access tokens get the key of this request, the claims that are added
    for their resource and its signature, and end with their client.
    """
    added = await custom_claims(work, granted, client=caller.client)
    access_spec = granted.access._replace(
        claims={**granted.access.claims, **added.access},
        roles=added.roles,
        bound_to=caller.bound_to,
        algorithm=granted.resource.signing_alg,
        not_after=end_of(granted.access, caller.client),
    )
    access = await issue_access_token(work, keyring=parts.keyring, spec=access_spec)
    id_token = None
    if granted.id_token is not None:
        spec = dataclasses.replace(
            granted.id_token,
            claims={**granted.id_token.claims, **added.id_token},
            raw_access_token=access.raw,
        )
        signed = await issue_id_token(work, keyring=parts.keyring, spec=spec)
        id_token = seal_for(recipient, signed)
    return json_answer(
        token_response(
            TokenAnswer(
                raw_access_token=access.raw,
                token_type=token_type(caller.bound_to),
                expires_in=access.expires_in,
                scope=granted.access.scope,
                raw_refresh_token=granted.raw_refresh,
                id_token=id_token,
                issued_type=granted.issued_type,
                authorization_details=granted.access.authorization_details,
            )
        )
    )


def _hand_out(handed: Handed) -> Response:
    return json_answer(
        handed_response(
            raw_token=handed.raw,
            issued_type=handed.issued_type,
            token_type=handed.token_type,
            scope=handed.scope,
            expires_in=handed.expires_in,
            more=handed.more,
        )
    )
