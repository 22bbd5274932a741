"""Client assertions for tests, honest ones and others."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from limen.protocol.client_authentication import ASSERTION_TYPE
from limen.protocol.jwk import SigningKey
from tests.unit.protocol.jose_kit import forge, forge_hmac, header

_numbers = itertools.count(1)


def assertion_claims(
    client_id: str, *, audience: Any, now: dt.datetime, **changes: Any
) -> dict[str, Any]:
    """Return good claims, with changes; ``None`` takes one away."""
    seconds = int(now.timestamp())
    made = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "exp": seconds + 60,
        "iat": seconds,
        "jti": f"assertion-{next(_numbers)}",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def signed(claims: dict[str, Any], key: SigningKey, **head: Any) -> str:
    """Sign claims with a client's key."""
    return forge(header(key, **{"typ": "JWT", **head}), claims, key)


def hashed(claims: dict[str, Any], secret: str, **head: Any) -> str:
    """Sign claims with a client's secret."""
    return forge_hmac({"alg": "HS256", "typ": "JWT", **head}, claims, secret.encode())


def presented(raw: str) -> dict[str, str]:
    """Return the form that presents an assertion."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": raw}
