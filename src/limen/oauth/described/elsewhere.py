"""What is approved on another device, or without a browser, described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.oauth.described.errors import Refused, shown
from limen.oauth.described.words import (
    CLIENT_AUTHENTICATION,
    SECONDS,
    STRING,
    URI,
    Answer,
    client_form,
    members,
    operation,
    said,
)

PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/oauth2/device_authorization": {
        "post": operation(
            "deviceAuthorization",
            summary="Begin on a device without a browser",
            says=(
                "Answers with a code that the person types at `verification_uri` on another "
                "device; meanwhile ask the token endpoint every `interval` seconds (RFC 8628)."
            ),
            answers={
                200: Answer(
                    says="Show `user_code` and `verification_uri`.",
                    schema=members(
                        {
                            "device_code": STRING,
                            "user_code": STRING,
                            "verification_uri": URI,
                            "verification_uri_complete": URI,
                            "expires_in": SECONDS,
                            "interval": SECONDS,
                        },
                        required=("device_code", "user_code", "verification_uri", "expires_in"),
                    ),
                    example={
                        "device_code": "lmd_…",
                        "user_code": "WDJB-MJHT",
                        "verification_uri": "https://id.example/device",
                        "verification_uri_complete": "https://id.example/device?user_code=WDJB-MJHT",
                        "expires_in": 600,
                        "interval": 5,
                    },
                )
            },
            errors=(
                "invalid_request",
                "invalid_client",
                "unauthorized_client",
                "invalid_scope",
                "invalid_target",
                "too_many_requests",
            ),
            security=CLIENT_AUTHENTICATION,
            requestBody=client_form(
                {"scope": STRING, "resource": URI},
                examples={"a television": {"client_id": "0194c0b1-…", "scope": "openid"}},
            ),
        )
    },
    "/oauth2/bc-authorize": {
        "post": operation(
            "backchannelAuthentication",
            summary="Ask a person who is elsewhere",
            says=(
                "The person approves on their account page or in an application of the tenant's; "
                "the client polls, or is pinged (OpenID Connect CIBA). Exactly one hint."
            ),
            answers={
                200: Answer(
                    says="The person was asked.",
                    schema=members(
                        {"auth_req_id": STRING, "expires_in": SECONDS, "interval": SECONDS},
                        required=("auth_req_id", "expires_in"),
                    ),
                    example={"auth_req_id": "lmb_…", "expires_in": 300, "interval": 5},
                )
            },
            errors=(
                "invalid_request",
                "invalid_client",
                "unauthorized_client",
                "invalid_scope",
                "invalid_target",
                "unknown_user_id",
                "expired_token",
                "invalid_binding_message",
                "too_many_requests",
            ),
            security=CLIENT_AUTHENTICATION,
            requestBody=client_form(
                {
                    "scope": said(STRING, "With `openid`."),
                    "login_hint": said(STRING, "An e-mail address or user id."),
                    "id_token_hint": STRING,
                    "login_hint_token": STRING,
                    "binding_message": said(STRING, "Shown on both devices."),
                    "acr_values": STRING,
                    "requested_expiry": said(SECONDS, "In seconds; a string will do."),
                    "client_notification_token": said(STRING, "For ping."),
                    "request": said(STRING, "All of it, signed."),
                },
                required=("scope",),
                examples={
                    "a call centre": {
                        "scope": "openid",
                        "login_hint": "ada@example.org",
                        "binding_message": "Case 4711",
                    }
                },
            ),
        )
    },
    "/oauth2/authorization_challenge": {
        "post": operation(
            "authorizationChallenge",
            summary="Sign somebody in from an application of the tenant's own",
            says=(
                "For first-party applications that show the sign-in themselves "
                "(draft-ietf-oauth-first-party-apps). Send what the person typed; what is "
                "missing comes back as `insufficient_authorization` with an `auth_session` to "
                "go on with. It ends in an authorization code."
            ),
            answers={
                200: Answer(
                    says="Redeem the code at the token endpoint.",
                    schema=members(
                        {"authorization_code": STRING}, required=("authorization_code",)
                    ),
                    example={"authorization_code": "lmc_…"},
                )
            },
            errors=(
                "insufficient_authorization",
                "redirect_to_web",
                "invalid_session",
                Refused("invalid_grant", 400, "The password or the code is wrong."),
                "access_denied",
                "invalid_request",
                "invalid_client",
                Refused("invalid_redirect_uri", 400, "The redirect URI is not registered."),
                "unauthorized_client",
                "unsupported_response_type",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                *shown(
                    "invalid_request_object",
                    "login_required",
                    "unmet_authentication_requirements",
                    "registration_not_supported",
                ),
                "invalid_dpop_proof",
                "use_dpop_nonce",
                "too_many_requests",
            ),
            security=CLIENT_AUTHENTICATION,
            requestBody=client_form(
                {
                    "scope": STRING,
                    "code_challenge": STRING,
                    "code_challenge_method": STRING,
                    "auth_session": said(STRING, "Of the answer before."),
                    "username": said(STRING, "Their e-mail address."),
                    "password": STRING,
                    "otp": said(STRING, "The code of their authenticator."),
                },
                examples={
                    "first": {
                        "client_id": "0194c0b1-…",
                        "scope": "openid",
                        "username": "ada@example.org",
                        "password": "…",
                        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                        "code_challenge_method": "S256",
                    },
                    "then": {"auth_session": "lmi_…", "otp": "123456"},
                },
            ),
        )
    },
}
