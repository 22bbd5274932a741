"""Tokens made by hand, so that tests can make what no honest library would."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc.jws import JWSRegistry

from limen.protocol.jwk import KeySet, SigningKey, generate_key
from limen.protocol.jwt import Expected

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc)
SECONDS = int(NOW.timestamp())
ISSUER = "https://id.example"
API = "https://api.example"

ES = generate_key("ES256")
RS = generate_key("RS256")
ED = generate_key("EdDSA")
KEYS = KeySet([ES.public, RS.public, ED.public])


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims of an access token, with changes; ``None`` takes a claim away."""
    made = {
        "iss": ISSUER,
        "sub": "ada",
        "aud": API,
        "exp": SECONDS + 300,
        "iat": SECONDS,
        "jti": "j1",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def expected(**changes: Any) -> Expected:
    wanted: dict[str, Any] = {
        "algorithms": frozenset({"ES256", "RS256", "EdDSA", "Ed25519"}),
        "typ": ("at+jwt",),
        "issuer": ISSUER,
        "audience": API,
        **changes,
    }
    return Expected(**wanted)


def encode(part: bytes | Mapping[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def header(key: SigningKey = ES, **changes: Any) -> dict[str, Any]:
    made = {"alg": key.alg, "typ": "at+jwt", "kid": key.kid, **changes}
    return {name: value for name, value in made.items() if value is not None}


def forge(
    head: bytes | Mapping[str, Any], payload: bytes | Mapping[str, Any], key: SigningKey = ES
) -> str:
    """Sign whatever header and payload say, correctly."""
    signing_input = f"{encode(head)}.{encode(payload)}"
    signature = JWSRegistry.algorithms[key.alg].sign(signing_input.encode(), key.key)
    return f"{signing_input}.{encode(signature)}"


def forge_hmac(head: Mapping[str, Any], payload: Mapping[str, Any], secret: bytes) -> str:
    signing_input = f"{encode(head)}.{encode(payload)}"
    return f"{signing_input}.{encode(hmac.digest(secret, signing_input.encode(), 'sha256'))}"
