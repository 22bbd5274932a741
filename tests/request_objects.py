"""Request objects for tests, honest ones and others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from limen.protocol.jwk import SigningKey
from tests.unit.protocol.jose_kit import forge, header


def object_claims(
    by: str, /, *, issuer: str, now: dt.datetime, said: Mapping[str, Any], **changes: Any
) -> dict[str, Any]:
    """Return good claims around an authorization request; ``None`` takes one away."""
    seconds = int(now.timestamp())
    made = {
        "iss": by,
        "aud": issuer,
        "nbf": seconds,
        "exp": seconds + 300,
        **said,
        "client_id": by,
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def signed_object(claims: Mapping[str, Any], key: SigningKey, **head: Any) -> str:
    """Sign claims with a client's key."""
    return forge(header(key, **{"typ": "oauth-authz-req+jwt", **head}), dict(claims), key)
