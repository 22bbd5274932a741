"""Verify a provider's ID token: issuer, audience, authorized party, expiry, nonce, signature."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from limen.federation.provider import Endpoints, Provider
from limen.federation.provider_keys import ProviderKeys
from limen.kernel.errors import MalformedRequest
from limen.kernel.secret import Secret
from limen.protocol.jwt import UNTYPED, AuthorizedParty, Expected, JwtRefused, peek, verify
from limen.tokens.issue_id_token import at_hash

_LEEWAY: Final = dt.timedelta(seconds=60)
_LONGEST: Final = dt.timedelta(days=1)


class _Choice(Enum):
    EXPECT_NO_NONCE = "expect no nonce"


EXPECT_NO_NONCE: Final = _Choice.EXPECT_NO_NONCE
"""For ID tokens of a refresh, which carry none; a code flow's always must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedIdToken:
    """What an ID token must say.

    Args:
        client_id: We are the audience, and the authorized party when there are several.
        nonce_hash: SHA-256 of the nonce sent with the request.
        raw_access: The access token that came along; ``at_hash``, if there is one, is its.
    """

    client_id: str
    nonce_hash: bytes | _Choice
    raw_access: Secret[str]
    now: dt.datetime


async def verify_id_token(
    raw: str,
    keys: ProviderKeys,
    *,
    provider: Provider,
    endpoints: Endpoints,
    expected: ExpectedIdToken,
) -> dict[str, Any]:
    """Return the claims of a provider's ID token.

    Raises:
        MalformedRequest: ``provider_id_token``: anything at all is not as expected (N117, N118).
            The reason is for the log; the answer is one for all.
        ProviderUnavailable: Its keys can't be read.

    Spec: OpenID Connect Core 3.1.3.7.
    """
    try:
        unverified = peek(raw)
        issuer = unverified.claims.get("iss")
        if not isinstance(issuer, str) or not provider.accepts_issuer(issuer, endpoints):
            raise JwtRefused("iss")  # noqa: TRY301 -- refused with the rest of the checks
        key_set = await keys.find(
            endpoints.jwks_uri, kid=unverified.header.get("kid"), now=expected.now
        )
        claims = verify(
            raw,
            key_set,
            now=expected.now,
            expected=Expected(
                algorithms=endpoints.id_token_algorithms,
                typ=("JWT", UNTYPED),
                issuer=issuer,
                audience=AuthorizedParty(expected.client_id),
                required=("exp", "iat", "sub"),
                leeway=_LEEWAY,
                longest=_LONGEST,
            ),
        )
        _check_nonce(claims, expected.nonce_hash)
        _check_access_token(claims, str(unverified.header["alg"]), expected.raw_access)
    except JwtRefused as refused:
        raise MalformedRequest(
            "provider_id_token",
            "The provider's answer could not be verified.",
            detail=f"{provider.id}: {refused.reason}",
        ) from refused
    return claims


def _check_access_token(claims: dict[str, Any], alg: str, raw_access: Secret[str]) -> None:
    """An access token of another answer was put beside it (N076; OIDC Core 3.1.3.8)."""
    if "at_hash" not in claims:
        return
    told, wanted = claims["at_hash"], at_hash(raw_access, alg)
    if not isinstance(told, str) or not hmac.compare_digest(told.encode(), wanted.encode()):
        raise JwtRefused("at_hash")


def _check_nonce(claims: dict[str, Any], nonce_hash: bytes | _Choice) -> None:
    """A token without our nonce was made for another request: replayed, or injected (N117)."""
    if isinstance(nonce_hash, _Choice):
        return
    nonce = claims.get("nonce")
    if not isinstance(nonce, str):
        raise JwtRefused("nonce")
    if not hmac.compare_digest(hashlib.sha256(nonce.encode()).digest(), nonce_hash):
        raise JwtRefused("nonce")
