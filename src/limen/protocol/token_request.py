"""The token request: parsed once into one type per grant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.authorization_details import Details, read_details
from limen.protocol.client_metadata.names import CIBA, DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from limen.protocol.decoupled.backchannel import CibaRequest, parse_ciba_request
from limen.protocol.decoupled.device import DeviceCodeRequest, parse_device_code_request
from limen.protocol.jwt_bearer import JwtBearerRequest, parse_jwt_bearer
from limen.protocol.params import Params
from limen.protocol.resource_indicator import read_resource
from limen.protocol.scopes import parse_scope
from limen.protocol.token_exchange import TokenExchangeRequest, parse_token_exchange

MAY_REPEAT: Final = ("resource",)
MAY_REPEAT_AT_EXCHANGE: Final = (*MAY_REPEAT, "audience")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCodeRequest:
    """Redeem an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""

    raw_code: Secret[str]
    redirect_uri: str | None = None
    raw_verifier: Secret[str] | None = None
    resource: str | None = None
    authorization_details: Details | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRequest:
    """Use a refresh token (RFC 6749 section 6)."""

    raw_token: Secret[str]
    scope: tuple[str, ...] | None = None
    resource: str | None = None
    authorization_details: Details | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentialsRequest:
    """Get a token for the client itself (RFC 6749 section 4.4.2)."""

    scope: tuple[str, ...] | None = None
    resource: str | None = None
    authorization_details: Details | None = None


TokenRequest = (
    AuthorizationCodeRequest
    | RefreshRequest
    | ClientCredentialsRequest
    | TokenExchangeRequest
    | JwtBearerRequest
    | DeviceCodeRequest
    | CibaRequest
)


def parse_token_request(params: Params) -> TokenRequest:
    """Read a token request by its ``grant_type``.

    Raises:
        OAuthRefusal: ``unsupported_grant_type``, or what is wrong with a parameter.
    """
    grant_type = params.required("grant_type")
    at_exchange = grant_type == TOKEN_EXCHANGE
    params.refuse_repeated(may_repeat=MAY_REPEAT_AT_EXCHANGE if at_exchange else MAY_REPEAT)
    parse = _PARSERS.get(grant_type)
    if parse is None:
        raise OAuthRefusal(
            "unsupported_grant_type", "This grant_type is not supported.", field="grant_type"
        )
    return parse(params)


def _authorization_code(params: Params) -> AuthorizationCodeRequest:
    return AuthorizationCodeRequest(
        raw_code=Secret(params.required("code")),
        redirect_uri=params.one("redirect_uri"),
        raw_verifier=params.secret("code_verifier"),
        resource=read_resource(params),
        authorization_details=read_details(params),
    )


def _refresh_token(params: Params) -> RefreshRequest:
    return RefreshRequest(
        raw_token=Secret(params.required("refresh_token")),
        scope=parse_scope(params.one("scope")),
        resource=read_resource(params),
        authorization_details=read_details(params),
    )


def _client_credentials(params: Params) -> ClientCredentialsRequest:
    return ClientCredentialsRequest(
        scope=parse_scope(params.one("scope")),
        resource=read_resource(params),
        authorization_details=read_details(params),
    )


_PARSERS: Final[Mapping[str, Callable[[Params], TokenRequest]]] = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "client_credentials": _client_credentials,
    TOKEN_EXCHANGE: parse_token_exchange,
    JWT_BEARER: parse_jwt_bearer,
    DEVICE_CODE: parse_device_code_request,
    CIBA: parse_ciba_request,
}

GRANT_TYPES: Final = tuple(_PARSERS)
