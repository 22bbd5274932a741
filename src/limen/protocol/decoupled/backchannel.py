"""The two requests of CIBA: to have a person asked, and then for the tokens.

Spec: OpenID Connect CIBA Core 1.0 sections 7 and 10; FAPI-CIBA section 5.2.2.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.authorization_details import Details, parse_details
from limen.protocol.authorization_request import MAX_HINT_CHARACTERS, read_acr_values
from limen.protocol.client_metadata import ClientMetadata
from limen.protocol.params import Params
from limen.protocol.request_object import RequestRules, accepted_algs
from limen.protocol.resource_indicator import read_resource
from limen.protocol.scopes import OPENID, parse_scope

MAX_MESSAGE_CHARACTERS: Final = 100
MAX_NOTIFICATION_CHARACTERS: Final = 1024
HINTS: Final = ("login_hint", "id_token_hint", "login_hint_token")
_SIGNED: Final = ("iss", "aud", "exp", "iat", "nbf", "jti")
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelRequest:
    """Have a person asked on their own device.

    Exactly one hint says whom.

    Attributes:
        scope: ``openid`` is among it.
        resource: In canonical form.
        login_hint: An address, or a ``sub`` of ours.
        id_token_hint: Not verified.
        binding_message: Shown at both ends, so that a person sees what belongs together.
        requested_seconds: How long the request should wait; ``None`` for our own default.
        raw_notification_token: What we authenticate with when we ping.
    """

    scope: tuple[str, ...]
    resource: str | None = None
    authorization_details: Details = ()
    acr_values: tuple[str, ...] = ()
    login_hint: str | None = None
    id_token_hint: Secret[str] | None = None
    binding_message: str = ""
    requested_seconds: int | None = None
    raw_notification_token: Secret[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CibaRequest:
    """Ask whether the person agreed (section 10.1)."""

    raw_request_id: Secret[str]


def must_sign(metadata: ClientMetadata) -> bool:
    """Whether a client's requests have to be signed: it said so, or FAPI-CIBA does."""
    return metadata.is_fapi or metadata.backchannel_authentication_request_signing_alg is not None


def signed_rules(metadata: ClientMetadata) -> RequestRules:
    """Return what a client's signed requests have to be (section 7.1.1)."""
    return RequestRules(
        algorithms=accepted_algs(
            metadata, registered=metadata.backchannel_authentication_request_signing_alg
        ),
        dated=True,
        alone=True,
        required=_SIGNED,
    )


def parse_backchannel_request(params: Params, *, ping: bool) -> BackchannelRequest:
    """Read an authentication request; what came signed is parameters again by now.

    Args:
        params: What counts.
        ping: Whether the client is told when the person has answered.

    Raises:
        OAuthRefusal: In the words of section 13.
    """
    params.refuse_repeated(may_repeat=("resource",))
    hints = [hint for hint in HINTS if hint in params]
    if len(hints) != 1:
        raise OAuthRefusal("invalid_request", f"Send exactly one of {', '.join(HINTS)}.")
    if hints == ["login_hint_token"]:
        raise OAuthRefusal(
            "invalid_request", "login_hint_token is not supported.", field="login_hint_token"
        )
    return BackchannelRequest(
        scope=_scope(params),
        resource=read_resource(params),
        authorization_details=parse_details(params.one("authorization_details")),
        acr_values=read_acr_values(params),
        login_hint=_login_hint(params),
        id_token_hint=params.secret("id_token_hint"),
        binding_message=_binding_message(params),
        requested_seconds=_requested_seconds(params),
        raw_notification_token=_notification_token(params) if ping else None,
    )


def parse_ciba_request(params: Params) -> CibaRequest:
    """Read the token request.

    Raises:
        OAuthRefusal: ``invalid_request``.
    """
    return CibaRequest(raw_request_id=Secret(params.required("auth_req_id")))


def backchannel_response(*, raw_request_id: Secret[str], expires_in: int, interval: int) -> bytes:
    """Write the answer of section 7.3, both times in seconds."""
    members = {
        "auth_req_id": raw_request_id.reveal(),
        "expires_in": expires_in,
        "interval": interval,
    }
    return json.dumps(members).encode()


def _scope(params: Params) -> tuple[str, ...]:
    scope = parse_scope(params.one("scope"))
    if scope is None or OPENID not in scope:
        raise OAuthRefusal("invalid_scope", "scope must hold openid.", field="scope")
    return scope


def _login_hint(params: Params) -> str | None:
    hint = params.one("login_hint")
    if hint is not None and len(hint) > MAX_HINT_CHARACTERS:
        raise OAuthRefusal("invalid_request", "login_hint is too long.", field="login_hint")
    return hint


def _binding_message(params: Params) -> str:
    """Read what a person will compare: short, and nothing in it that does not show (N239)."""
    message = params.one("binding_message") or ""
    if len(message) > MAX_MESSAGE_CHARACTERS or not message.isprintable():
        raise OAuthRefusal(
            "invalid_binding_message",
            f"binding_message holds at most {MAX_MESSAGE_CHARACTERS} printable characters.",
            field="binding_message",
        )
    return message


def _requested_seconds(params: Params) -> int | None:
    """Read ``requested_expiry``, a number or the same as a string (FAPI-CIBA)."""
    asked = params.one("requested_expiry")
    if asked is None:
        return None
    if not _SECONDS.fullmatch(asked):
        raise OAuthRefusal(
            "invalid_request",
            "requested_expiry is a positive whole number of seconds.",
            field="requested_expiry",
        )
    return int(asked)


def _notification_token(params: Params) -> Secret[str]:
    token = params.required("client_notification_token")
    if len(token) > MAX_NOTIFICATION_CHARACTERS or not _BEARER.fullmatch(token):
        raise OAuthRefusal(
            "invalid_request",
            "client_notification_token is no bearer token (RFC 6750 section 2.1).",
            field="client_notification_token",
        )
    return Secret(token)
