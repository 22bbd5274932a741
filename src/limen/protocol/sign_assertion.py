"""Prove who we are as somebody's client: a JWT signed by our key (RFC 7523). PURE."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from limen.kernel.ids import b64url
from limen.kernel.secret import Secret
from limen.protocol.jwk import MIN_RSA_BITS, InvalidKey

AssertionAlgorithm = Literal["PS256", "RS256", "ES256"]
_HASH: Final = SHA256()
_PSS: Final = PSS(mgf=MGF1(_HASH), salt_length=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionClaims:
    """What an assertion says.

    Args:
        issuer: Who signs: our client id, or at Apple our team.
        subject: Our client id, or whom the signer speaks for; empty where the reader wants none.
        audience: Who is to read it.
        jti: New for each; empty where the reader wants none.
        ttl: How long it may be used.
        more: What else it says.
    """

    issuer: str
    subject: str
    audience: str
    now: dt.datetime
    ttl: dt.timedelta
    jti: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def members(self) -> dict[str, Any]:
        """Return the registered claims."""
        iat = int(self.now.timestamp())
        claims: dict[str, Any] = {
            **self.more,
            "iss": self.issuer,
            "aud": self.audience,
            "iat": iat,
            "exp": iat + int(self.ttl.total_seconds()),
        }
        if self.subject:
            claims["sub"] = self.subject
        return {**claims, "jti": self.jti, "nbf": iat} if self.jti else claims


def read_signing_key(
    raw_pem: Secret[str], alg: AssertionAlgorithm
) -> RSAPrivateKey | EllipticCurvePrivateKey:
    """Read an unencrypted private key that can sign with an algorithm.

    Raises:
        InvalidKey: It is none, of another kind, or too small.
    """
    try:
        key = load_pem_private_key(raw_pem.reveal().encode(), password=None)
    except (ValueError, TypeError):
        raise InvalidKey(public="The private key can't be read: PEM, without a password.") from None
    if alg == "ES256":
        if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
            return key
    elif isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return key
    raise InvalidKey(public=f"The private key is not one that signs with {alg}.")


def sign_assertion(
    claims: AssertionClaims,
    raw_pem: Secret[str],
    *,
    alg: AssertionAlgorithm,
    header: Mapping[str, str],
) -> str:
    """Return the signed assertion.

    Args:
        claims: What it says.
        raw_pem: Our private key.
        alg: What it signs with.
        header: How the reader finds the public half: ``kid``, or ``x5t#S256``.

    Spec: RFC 7523 section 3, RFC 7515 section 4.1.8.
    """
    head = {"alg": alg, "typ": "JWT", **header}
    signed = f"{_part(head)}.{_part(claims.members())}".encode("ascii")
    return f"{signed.decode()}.{b64url(_signature(signed, raw_pem, alg))}"


def _signature(signed: bytes, raw_pem: Secret[str], alg: AssertionAlgorithm) -> bytes:
    key = read_signing_key(raw_pem, alg)
    if isinstance(key, EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(signed, ECDSA(_HASH)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(signed, _PSS if alg == "PS256" else PKCS1v15(), _HASH)


def _part(members: Mapping[str, Any]) -> str:
    return b64url(json.dumps(members, separators=(",", ":")).encode())
