"""What is said of an active token."""

from __future__ import annotations

from typing import Any

from limen.accounts.claims import all_claims
from limen.accounts.directory import find_user
from limen.db.work import Work
from limen.kernel.clock import to_timestamp
from limen.protocol.introspection import introspection_response
from limen.protocol.scopes import join_scope
from limen.tokens.look_up import ActiveToken

_PROFILE = "profile"


async def describe(work: Work, token: ActiveToken) -> dict[str, Any]:
    """Return the members of an introspection response.

    Spec: RFC 7662 section 2.2, RFC 8693 section 4, RFC 8705 section 3.2, RFC 9449 section 6.2,
    RFC 9470 section 6.2.
    """
    claims = {
        **token.claims,
        "iss": work.site.issuer,
        "sub": token.subject,
        "aud": token.audience,
        "client_id": token.client_id,
        "scope": join_scope(token.scope) or None,
        "jti": token.jti,
        "iat": to_timestamp(token.issued_at),
        "exp": to_timestamp(token.expires_at),
        "auth_time": to_timestamp(token.auth_time) if token.auth_time else None,
        "acr": token.acr or None,
        "amr": list(token.amr) or None,
        "token_type": _token_type(token),
        "username": await _username(work, token),
    }
    return introspection_response(claims)


def _token_type(token: ActiveToken) -> str | None:
    if token.kind != "access":
        return None
    return "DPoP" if token.bound_to.startswith("jkt:") else "Bearer"


async def _username(work: Work, token: ActiveToken) -> str | None:
    """Return what the person calls themselves, where the token opens that to its API."""
    if token.user_id is None or _PROFILE not in token.scope:
        return None
    user = await find_user(work, token.user_id)
    return None if user is None else all_claims(user).get("preferred_username")
