"""The JWT bearer grant (RFC 7523 section 2.1) and the assertions that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.params import Params
from limen.protocol.resource_indicator import read_resource
from limen.protocol.scopes import parse_scope

AssertionProfile = Literal["jwt", "id-jag"]
"""What an assertion may be: any JWT of RFC 7523, or an identity assertion for one client."""

ID_JAG_TYP: Final = "oauth-id-jag+jwt"
ID_JAG_PROFILE: Final = "urn:ietf:params:oauth:grant-profile:id-jag"
"""How discovery says that identity assertions are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtBearerRequest:
    """Use somebody else's word about a user as a grant."""

    raw_assertion: Secret[str]
    scope: tuple[str, ...] | None = None
    resource: str | None = None


def parse_jwt_bearer(params: Params) -> JwtBearerRequest:
    """Read a JWT bearer request.

    Raises:
        OAuthRefusal: ``invalid_request`` without an assertion, or what is wrong with the rest.
    """
    return JwtBearerRequest(
        raw_assertion=Secret(params.required("assertion")),
        scope=parse_scope(params.one("scope")),
        resource=read_resource(params),
    )


def profile_of(header: Mapping[str, Any]) -> AssertionProfile:
    """Return what an assertion says it is; ``typ`` keeps the kinds apart (RFC 8725 §3.11)."""
    named = header.get("typ")
    if isinstance(named, str) and named.lower().removeprefix("application/") == ID_JAG_TYP:
        return "id-jag"
    return "jwt"


def named_resource(claims: Mapping[str, Any]) -> str | None:
    """Return the one resource that an identity assertion is for, as it says it.

    Raises:
        OAuthRefusal: ``invalid_grant``: several, or none that could be one.
    """
    named = claims.get("resource")
    if isinstance(named, list) and len(named) == 1:
        named = named[0]
    if named is not None and (not isinstance(named, str) or not named):
        raise OAuthRefusal("invalid_grant", "The assertion is for no single resource.")
    return named


def named_scope(claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the scope that an identity assertion allows; ``None`` if it says nothing.

    Raises:
        OAuthRefusal: ``invalid_grant``: it is no scope.
    """
    named = claims.get("scope")
    if named is None:
        return None
    if not isinstance(named, str):
        raise OAuthRefusal("invalid_grant", "The assertion's scope is none.")
    return parse_scope(named) or ()
