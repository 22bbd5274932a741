"""Google's Cross-Account Protection: Security Event Tokens by what Google publishes (RFC 8417)."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final
from urllib.parse import urlsplit

from limen.federation.provider import Provider
from limen.federation.provider_keys import ProviderKeys
from limen.kernel.clock import from_timestamp
from limen.kernel.errors import ProviderUnavailable
from limen.net import Net
from limen.protocol.jwt import (
    EXPIRED_IS_FINE,
    UNTYPED,
    AmongAudiences,
    Expected,
    JwtRefused,
    peek,
    verify,
)

MAX_AGE: Final = dt.timedelta(days=7)
"""How late an event may come: Google tries for days. As long its ``jti`` is remembered."""
MAX_AHEAD: Final = dt.timedelta(minutes=5)
"""More than ``verify`` lets Google's clock be before ours: as much longer it could come again."""
_PATH: Final = "/.well-known/risc-configuration"


async def verify_event(
    raw: str, net: Net, keys: ProviderKeys, *, provider: Provider, client_id: str, now: dt.datetime
) -> dict[str, Any]:
    """Return the claims of an event token that Google signed for our client.

    Args:
        raw: As received.
        net: The one way out.
        keys: Google's, kept for an hour.
        provider: Google, or another of its products.
        client_id: Ours there; ``aud`` is or holds it.
        now: The moment.

    Raises:
        JwtRefused: It is not; nothing of it may be used.
        ProviderUnavailable: What Google publishes can't be read.
    """
    endpoints = await provider.endpoints(net, now=now)
    unverified = peek(raw)
    published = await _configuration(keys, endpoints.issuer, now=now)
    key_set = await keys.find(published["jwks_uri"], kid=unverified.header.get("kid"), now=now)
    claims = verify(
        raw,
        key_set,
        now=now,
        expected=Expected(
            algorithms=frozenset({"RS256"}),
            typ=("secevent+jwt", "JWT", UNTYPED),
            issuer=published["issuer"],
            audience=AmongAudiences(client_id),
            required=("iat", "jti"),
            expiry=EXPIRED_IS_FINE,  # event tokens have none (RFC 8417 section 2.2)
        ),
    )
    if "nonce" in claims or not isinstance(claims.get("events"), dict) or not claims["events"]:
        raise JwtRefused("events")  # an ID token of the same issuer for the same client
    if now - from_timestamp(claims["iat"]) > MAX_AGE:
        raise JwtRefused("iat")
    return claims


async def _configuration(keys: ProviderKeys, issuer: str, *, now: dt.datetime) -> dict[str, str]:
    """Read where Google publishes its keys, from the issuer's own origin alone.

    Not for each event: anybody may send one, and only its signature says who it was.
    """
    base = issuer.rstrip("/")
    members = await keys.document(f"{base}{_PATH}", now=now)
    told, keys_at = members.get("issuer"), members.get("jwks_uri")
    if not isinstance(told, str) or not isinstance(keys_at, str):
        raise ProviderUnavailable(detail="risc configuration can't be read")
    if told.rstrip("/") != base or not _host(keys_at):
        raise ProviderUnavailable(detail="risc configuration names another issuer")
    return {"issuer": told, "jwks_uri": keys_at}


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
