"""Reading requests as vendors do: forms, client authentication, and a key to sign with.

Deliberately independent of ``limen.protocol``: a simulator that shared its code with the
client under test would share its mistakes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from limen.simulators.state import State


async def read_form(request: Request) -> dict[str, str]:
    """Return a form's fields; the last of a repeated field counts."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """Return a form's fields with repetitions."""
    return parse_qsl((await request.body()).decode("utf-8", "replace"))


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Return the client's id and secret from HTTP Basic, if it sent them."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote(user), unquote(password)) if colon else None


def bearer(request: Request) -> str:
    """Return the bearer token of a request, or nothing; GitHub's clients call it ``token``."""
    scheme, _, raw = request.headers.get("authorization", "").partition(" ")
    return raw if scheme.lower() in {"bearer", "token"} else ""


def redirect(uri: str, params: dict[str, str]) -> Response:
    """Send the browser back to the client."""
    joint = "&" if "?" in uri else "?"
    return RedirectResponse(f"{uri}{joint}{urlencode(params)}", 302)


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    return _b64url(hashlib.sha256(verifier.encode()).digest())


def public_jwk(state: State) -> dict[str, str]:
    """Return the provider's signing key as it is published."""
    numbers = _key(state).public_key().public_numbers()
    modulus = numbers.n.to_bytes(256, "big")
    exponent = numbers.e.to_bytes(3, "big")
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": _kid(state),
        "n": _b64url(modulus),
        "e": _b64url(exponent),
    }


def sign_rs256(state: State, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    """Sign a JWT as the vendors do; no library of ours involved."""
    head = {"alg": "RS256", "kid": _kid(state), "typ": typ}
    signed = f"{_b64url(json.dumps(head).encode())}.{_b64url(json.dumps(claims).encode())}"
    signature = _key(state).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_b64url(signature)}"


def unsigned(claims: dict[str, Any]) -> str:
    """Make the token that no client may accept."""
    head = {"alg": "none", "typ": "JWT"}
    return f"{_b64url(json.dumps(head).encode())}.{_b64url(json.dumps(claims).encode())}."


def _key(state: State) -> rsa.RSAPrivateKey:
    if not state.key_pem:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        state.key_pem = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    key = _loaded.get(state.key_pem)
    if key is None:
        loaded = serialization.load_pem_private_key(state.key_pem.encode(), password=None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        key = _loaded[state.key_pem] = loaded
    return key


def _kid(state: State) -> str:
    numbers = _key(state).public_key().public_numbers()
    return hashlib.sha256(str(numbers.n).encode()).hexdigest()[:16]


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_loaded: dict[str, rsa.RSAPrivateKey] = {}
