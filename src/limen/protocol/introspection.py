"""Introspection: the question and what may be said (RFC 7662)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.kernel.secret import Secret
from limen.protocol.claims_mapping import RESERVED_CLAIMS
from limen.protocol.params import Params

SAID: Final = (
    "scope",
    "client_id",
    "username",
    "token_type",
    "exp",
    "iat",
    "nbf",
    "sub",
    "aud",
    "iss",
    "jti",
    "auth_time",
    "acr",
    "amr",
    "cnf",
    "act",
    "may_act",
    "authorization_details",
    "roles",
)
"""The members that leave: RFC 7662 section 2.2, RFC 8693 section 4, RFC 9396 section 9.2, RFC
9470 section 6.2, RFC 9068 section 2.2.3."""

INACTIVE: Final[Mapping[str, Any]] = {"active": False}
"""All that is said of a token that is unknown, expired, revoked or not the caller's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenQuestion:
    """A token that a caller asks about, to introspect or to revoke it.

    Attributes:
        hint: ``token_type_hint`` as sent; a hint, never a condition (RFC 7009 section 2.1).
    """

    raw_token: Secret[str]
    hint: str | None


def parse_token_question(params: Params) -> TokenQuestion:
    """Read ``token`` and its hint, at the introspection and the revocation endpoint.

    Raises:
        OAuthRefusal: ``invalid_request`` when the token is absent or sent twice.
    """
    params.refuse_repeated()
    return TokenQuestion(
        raw_token=Secret(params.required("token")), hint=params.one("token_type_hint")
    )


def introspection_response(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Say of an active token what its claims say: the members we tell, and an operator's own."""
    told = {name: value for name, value in claims.items() if value is not None and _is_told(name)}
    # Last: an operator's own claim of that name says nothing of the token (section 2.2).
    return {**told, "active": True}


def _is_told(name: str) -> bool:
    return name in SAID or name not in RESERVED_CLAIMS
