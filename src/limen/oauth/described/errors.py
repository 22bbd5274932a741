"""The error codes of the OAuth endpoints: status, and words that a client author can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Refused(NamedTuple):
    """A code where its status is another than elsewhere.

    Args:
        code: As in ``ERRORS`` or ``OTHER_ERRORS``.
        status: HTTP status.
        text: What is said.
    """

    code: str
    status: int
    text: str


ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    # RFC 6749 section 5.2 and 4.1.2.1
    "invalid_request": (400, "A parameter is missing, repeated or malformed; the text names it."),
    "invalid_client": (401, "Client authentication failed."),
    "invalid_grant": (400, "The code, refresh token or assertion is invalid, expired or used."),
    "unauthorized_client": (400, "The client is not registered for this."),
    "unsupported_grant_type": (400, "This grant_type is not supported."),
    "invalid_scope": (400, "None of these scopes is available to this client."),
    "access_denied": (400, "The user, or a policy, said no."),
    "unsupported_response_type": (400, "response_type must be code."),
    "temporarily_unavailable": (503, "We can't answer now. Retry-After says when to ask again."),
    # RFC 8707, RFC 9396
    "invalid_target": (400, "This resource is unknown."),
    "invalid_authorization_details": (400, "A type is unknown, or an object does not fit it."),
    # RFC 9449
    "invalid_dpop_proof": (400, "The DPoP proof is not good for this request."),
    "use_dpop_nonce": (400, "Repeat the request with the nonce of the DPoP-Nonce header."),
    # RFC 6750
    "invalid_token": (401, "The access token is invalid or expired."),
    "insufficient_scope": (403, "The access token allows less than this."),
    # RFC 7591
    "invalid_redirect_uri": (400, "A redirect URI is not one that may be registered."),
    "invalid_client_metadata": (400, "A member is not acceptable; the text names it."),
    "invalid_software_statement": (400, "The software statement is not to be believed."),
    "unapproved_software_statement": (400, "Nobody here trusts who made the statement."),
    # RFC 8628, CIBA
    "authorization_pending": (400, "Nobody has decided yet: ask again after the interval."),
    "slow_down": (400, "Too soon: wait five seconds longer from now on."),
    "expired_token": (400, "The request is too old: begin again."),
    "unknown_user_id": (400, "The hint names nobody."),
    "invalid_binding_message": (400, "The binding message is too long or can't be shown."),
    # OAuth for first-party applications
    "insufficient_authorization": (400, "Something more is needed; auth_session goes on with it."),
    "redirect_to_web": (400, "This can only go on in a browser."),
    "invalid_session": (400, "auth_session is unknown, used or expired: begin again."),
    # ours, for every endpoint: RFC 6749 has no word for it
    "too_many_requests": (429, "Too many requests. Retry-After says when to ask again."),
}

OTHER_ERRORS: Final[Mapping[str, tuple[str, str]]] = {
    # OpenID Connect Core section 3.1.2.6, and Unmet Authentication Requirements
    "login_required": ("redirect", "prompt=none, and nobody is signed in as required."),
    "consent_required": ("redirect", "prompt=none, and the user has not agreed to this."),
    "interaction_required": ("redirect", "prompt=none, and the user has something to do first."),
    "unmet_authentication_requirements": ("redirect", "The essential acr can't be reached."),
    "registration_not_supported": ("redirect", "Leave the registration parameter out."),
    # RFC 9101, RFC 9126
    "invalid_request_object": (
        "redirect or 400",
        "The request object does not hold.",
    ),
    "invalid_request_uri": (
        "page or redirect",
        "Unknown, used or expired: push anew.",
    ),
    # RFC 9470
    "insufficient_user_authentication": (
        "401",
        "Authorize anew with the acr_values or max_age of the challenge.",
    ),
    "server_error": ("500", "We failed; nothing was changed."),
}
"""What an authorization answer or a resource says: how it travels, and what it means."""


def shown(*codes: str) -> tuple[Refused, ...]:
    """Return the codes of ``OTHER_ERRORS`` for where they come as a JSON body, with 400."""
    return tuple(Refused(code, 400, OTHER_ERRORS[code][1]) for code in codes)


SAID_AS: Final[Mapping[str, str]] = {"too_many_requests": "temporarily_unavailable"}
"""What stands in ``error`` where that is not the name we have for it."""
