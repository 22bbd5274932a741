"""JSON Web Tokens: sign ours, verify ours and other people's. The only door to JOSE.

``verify`` names every expectation in an ``Expected`` and refuses the rest; what the library
underneath lets pass (absent algorithms, ``typ``, empty ``crit``, duplicate members, NaN, odd
NumericDates, weak keys) is refused here. Keys come from the caller, never from the token:
``jwk``, ``jku``, ``x5u`` and ``x5c`` in a header are not looked at (RFC 8725 §3.10).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jws import JWSRegistry

from limen.kernel.ids import b64url
from limen.kernel.json_text import json_writer
from limen.protocol.jose import Claims, Compact, JwtRefused, parse_compact, read_kid
from limen.protocol.jwk import EDDSA, KeySet, PublicKey, SigningKey
from limen.protocol.jwt_claims import (
    ANY_AUDIENCE,
    EXPIRED_IS_FINE,
    UNTYPED,
    AmongAudiences,
    Audience,
    AudienceIfNamed,
    AuthorizedParty,
    Expected,
    OneOfAudiences,
    check_claims,
    check_typ,
)

__all__ = [
    "ANY_AUDIENCE",
    "EXPIRED_IS_FINE",
    "UNTYPED",
    "AmongAudiences",
    "Audience",
    "AudienceIfNamed",
    "AuthorizedParty",
    "Claims",
    "Expected",
    "JwtRefused",
    "OneOfAudiences",
    "check_header",
    "check_signature",
    "peek",
    "prove",
    "read_kid",
    "sign",
    "verify",
]

_ES256: Final = ECDSA(SHA256())
_encode: Final = json_writer()
_ALGORITHMS: Final = {
    name: JWSRegistry.algorithms[name]
    for name in (
        "ES256",
        "ES384",
        "ES512",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "HS256",
        "EdDSA",
        "Ed25519",
    )
}  # fmt: skip -- read from the table itself: asking for EdDSA through its method warns each time


def sign(claims: Mapping[str, Any], key: SigningKey, *, typ: str, alg: str = "") -> str:
    """Sign claims as a compact JWS.

    ES256 goes to ``cryptography`` directly: machine tokens spend most of their time here.

    Args:
        claims: JSON values; NaN and infinities are refused.
        key: Says the algorithm.
        typ: The media type without ``application/``.
        alg: The other name of Ed25519, for a client that registered it.

    Raises:
        ValueError: If ``alg`` is not one of the key's.
    """
    name = alg or key.alg
    prefix = key.prefixes.get((typ, name)) or _prefix(key, typ, name)
    signing_input = f"{prefix}{b64url(_encode(claims).encode('ascii'))}"
    if key.ec is not None:
        r, s = decode_dss_signature(key.ec.sign(signing_input.encode("ascii"), _ES256))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = _ALGORITHMS[name].sign(signing_input.encode("ascii"), key.key)
    return f"{signing_input}.{b64url(signature)}"


def verify(raw: str, keys: KeySet, *, expected: Expected, now: dt.datetime) -> Claims:
    """Return the claims of a token that is what the caller expects, signed by one of the keys.

    Args:
        raw: As received.
        keys: Of the one issuer expected; a ``kid`` never chooses the issuer.
        expected: What it must say.
        now: The moment it must be valid at.

    Returns:
        Its claims; registered ones have their types.

    Raises:
        JwtRefused: If anything is otherwise. ``reason`` is for the log.

    Spec: RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725 §3.
    """
    token = prove(raw, keys, expected=expected)
    check_claims(token.claims, expected, now)
    return token.claims


def prove(raw: str, keys: KeySet, *, expected: Expected) -> Compact:
    """Do the part of ``verify`` that time does not change: form, header, signature.

    The claims are the issuer's words, and no more: whoever uses them checks them first.

    Raises:
        JwtRefused: As ``verify``.
    """
    token = parse_compact(raw)
    alg = check_header(token, algorithms=expected.algorithms, typ=expected.typ)
    check_signature(token, _find_key(token, keys, alg), alg)
    return token


def check_header(token: Compact, *, algorithms: frozenset[str], typ: tuple[str, ...]) -> str:
    """Return the algorithm that a token names, if it and the rest of the header will do.

    Raises:
        JwtRefused: Another algorithm or ``typ``, or a critical extension.
    """
    alg = token.header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        raise JwtRefused("alg")
    if "crit" in token.header:
        # We understand no extension: whatever it names, even nothing, is not ours (N073).
        raise JwtRefused("crit")
    check_typ(token.header, typ)
    return alg


def check_signature(token: Compact, key: PublicKey, alg: str) -> None:
    """Check a signature with a key that is good for the algorithm.

    Raises:
        JwtRefused: It is not the key's, or the key is made for other algorithms.
    """
    if alg not in key.algorithms:
        raise JwtRefused("alg")
    if alg == "ES256":
        good = _verify_es256(token, key)
    elif key.rsa_bytes is not None and len(token.signature) != key.rsa_bytes:
        # OpenSSL believes a PSS signature whose leading zeros are left out (RFC 8017 §8.1.2, 1).
        good = False
    else:
        good = _ALGORITHMS[alg].verify(token.signing_input, token.signature, key.key)
    if not good:
        raise JwtRefused("signature")


def peek(raw: str) -> Compact:
    """Parse a token without believing it: only to learn whose keys to verify it with.

    Raises:
        JwtRefused: If it does not parse.
    """
    return parse_compact(raw)


def _find_key(token: Compact, keys: KeySet, alg: str) -> PublicKey:
    kid = token.header.get("kid")
    if "kid" in token.header and not isinstance(kid, str):
        raise JwtRefused("kid")
    return keys.find(kid, alg)


def _verify_es256(token: Compact, key: PublicKey) -> bool:
    if key.ec is None or len(token.signature) != 64:
        return False
    r, s = (int.from_bytes(half, "big") for half in (token.signature[:32], token.signature[32:]))
    try:
        key.ec.verify(encode_dss_signature(r, s), token.signing_input, _ES256)
    except InvalidSignature:
        return False
    return True


def _prefix(key: SigningKey, typ: str, alg: str) -> str:
    """Encode the header once per key, type and name: it is the same for every token."""
    if alg != key.alg and not {alg, key.alg} <= EDDSA:
        raise ValueError(f"a key made for {key.alg} does not sign {alg}")
    header = {"alg": alg, "typ": typ, "kid": key.kid}
    encoded = b64url(json.dumps(header, separators=(",", ":")).encode("ascii"))
    return key.prefixes.setdefault((typ, alg), f"{encoded}.")
