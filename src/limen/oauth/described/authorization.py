"""The authorization endpoint, pushed requests and logout, described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from limen.oauth.described.errors import Refused, shown
from limen.oauth.described.words import (
    CLIENT_AUTHENTICATION,
    SECONDS,
    STRING,
    URI,
    Answer,
    Schema,
    client_form,
    form,
    members,
    operation,
    query,
    said,
)

_REQUEST: Final[Mapping[str, Schema]] = {
    "client_id": said(STRING, "Who asks; the address of a metadata document may be one."),
    "response_type": {"type": "string", "enum": ["code"]},
    "redirect_uri": said(URI, "As registered; required with `openid`."),
    "scope": said(STRING, "Separated by spaces; the client's default scopes without it."),
    "state": said(STRING, "Comes back with the answer."),
    "code_challenge": said(STRING, "base64url of the SHA-256 of the verifier (RFC 7636)."),
    "code_challenge_method": {"type": "string", "enum": ["S256"]},
    "nonce": said(STRING, "Comes back in the ID token."),
    "resource": said(URI, "The API the tokens are for (RFC 8707)."),
    "response_mode": said(STRING, "How the answer travels; see the discovery document."),
    "prompt": said(STRING, "`none`, `login`, `consent`, `select_account`, `create`."),
    "max_age": said(SECONDS, "Seconds since the sign-in at most; 0 is `prompt=login`."),
    "acr_values": said(STRING, "How sure of the person the client would like us to be."),
    "login_hint": said(STRING, "Who the client thinks will sign in."),
    "id_token_hint": said(STRING, "Whom it expects; an expired ID token will do."),
    "claims": said(STRING, "JSON: single claims for the ID token and UserInfo (OIDC Core 5.5)."),
    "authorization_details": said(STRING, "JSON: what exactly is asked for (RFC 9396)."),
    "ui_locales": said(STRING, "Languages, best first."),
    "display": said(STRING, "`page`, `popup`, `touch` or `wap`."),
    "dpop_jkt": said(STRING, "The key that must redeem the code (RFC 9449)."),
    "request": said(STRING, "A signed request object (RFC 9101)."),
    "request_uri": said(STRING, "From a pushed request, or one that is registered."),
}
_EXAMPLE: Final = {
    "client_id": "0194c0b1-7b0e-7000-8000-000000000001",
    "response_type": "code",
    "redirect_uri": "https://app.example/callback",
    "scope": "openid profile offline_access",
    "state": "af0ifjsldkj",
    "nonce": "n-0S6_WzA2Mj",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
_REDIRECTED: Final = (
    "Back to `redirect_uri` with `code`, `state` and `iss`, or with `error`, `error_description`, "
    "`state` and `iss`; or on to our sign-in or consent page."
)

_OF_REQUESTS: Final[Sequence[str | Refused]] = (
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "invalid_target",
    "invalid_authorization_details",
    *shown("invalid_request_object"),
)
"""What is wrong with a request, wherever it is sent."""

AUTHORIZE: Final = operation(
    "authorize",
    summary="Ask a person for authorization",
    says=(
        "Browsers are sent here (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1). "
        "With `Accept: application/json` nothing redirects: the answer is the interaction that "
        "a front end of its own leads the person through (`/api/v1/interactions/{id}`), or the "
        "end. Nothing redirects before client and redirect URI are verified; errors of those "
        "two are shown here."
    ),
    answers={
        303: Answer(says=_REDIRECTED, headers={"Location": "Where the browser goes."}),
        200: Answer(
            says="With `Accept: application/json`: what the person has to do next.",
            schema={"type": "object"},
            example={"status": "sign_in", "id": "lmi_…", "scopes": [{"scope": "openid"}]},
            also={"text/html": "With `response_mode=form_post`: a form that posts itself."},
        ),
    },
    errors=(
        "invalid_request",
        Refused("invalid_client", 400, "This client is unknown."),
        Refused("invalid_redirect_uri", 400, "The redirect URI is not registered."),
        *_OF_REQUESTS,
        *shown(
            "invalid_request_uri",
            "login_required",
            "consent_required",
            "interaction_required",
            "unmet_authentication_requirements",
            "registration_not_supported",
        ),
        "access_denied",
        "invalid_client",
        Refused("invalid_request", 403, "`front_end_unknown`: no client, no registered origin."),
        "too_many_requests",
    ),
    face="both",
    parameters=query(_REQUEST, required=("client_id",)),
)
PUSH: Final = operation(
    "pushAuthorizationRequest",
    summary="Push an authorization request",
    says=(
        "Takes the parameters of an authorization request from an authenticated client and "
        "answers with a `request_uri` for the browser to carry (RFC 9126). It is taken when the "
        "code or the refusal is issued; a reload before that works."
    ),
    answers={
        201: Answer(
            says="Kept for five minutes.",
            schema=members(
                {"request_uri": STRING, "expires_in": SECONDS},
                required=("request_uri", "expires_in"),
            ),
            example={
                "request_uri": "urn:ietf:params:oauth:request_uri:lmpr_…",
                "expires_in": 300,
            },
        )
    },
    errors=(
        "invalid_request",
        "invalid_client",
        *_OF_REQUESTS,
        *shown("registration_not_supported"),
        "invalid_dpop_proof",
        "use_dpop_nonce",
        "too_many_requests",
    ),
    security=CLIENT_AUTHENTICATION,
    requestBody=client_form(
        {k: v for k, v in _REQUEST.items() if k != "request_uri"},
        examples={"with PKCE": _EXAMPLE},
    ),
)
_LOGOUT: Final[Mapping[str, Schema]] = {
    "id_token_hint": said(STRING, "An ID token of the session; an expired one will do."),
    "client_id": said(STRING, "If it is not clear from the hint."),
    "post_logout_redirect_uri": said(URI, "As registered."),
    "state": said(STRING, "Comes back with the redirect."),
    "logout_hint": STRING,
    "ui_locales": STRING,
}
LOGOUT: Final = operation(
    "logout",
    summary="Sign a person out",
    says=(
        "Browsers are sent here (OpenID Connect RP-Initiated Logout 1.0). The person is asked, "
        "unless the client is trusted. Clients of the session are told: through the back channel "
        "from our side, through the front channel by frames of the page."
    ),
    answers={
        200: Answer(
            says="A page: the question, or that it is done.",
            schema=STRING,
            media="text/html",
        ),
        303: Answer(
            says="On to `post_logout_redirect_uri`.", headers={"Location": "With `state`."}
        ),
    },
    errors=("invalid_request",),
    face="page",
    parameters=query(_LOGOUT),
)

PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/oauth2/authorize": {
        "get": AUTHORIZE,
        "post": {
            **AUTHORIZE,
            "operationId": "authorizeByPost",
            "parameters": [],
            "requestBody": form(members(_REQUEST), examples={"with PKCE": _EXAMPLE}),
        },
    },
    "/oauth2/par": {"post": PUSH},
    "/oauth2/logout": {
        "get": LOGOUT,
        "post": {
            **LOGOUT,
            "operationId": "logoutByPost",
            "parameters": [],
            "requestBody": form(members(_LOGOUT), examples={"with a hint": {"state": "x"}}),
        },
    },
}
