"""Compact JWE: what we encrypt to a client, and what a client encrypts to us.

A short list of algorithms, none of them with a password, none with compression, and not RSA1_5:
whatever a header asks beyond it is refused before a key is touched (N074, N075, N076).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final, Literal

from joserfc import jwe
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.registry import HeaderParameter

from limen.protocol.jose import MAX_TOKEN_CHARS, JwtRefused, decode_part, parse_object
from limen.protocol.jwk import MAX_KEYS, PRIVATE_MEMBERS, InvalidKey, is_sound_rsa

KeyManagement = Literal["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]
ContentEncryption = Literal["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"]

KEY_MANAGEMENT: Final[tuple[KeyManagement, ...]] = (
    "RSA-OAEP-256",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A256KW",
)
CONTENT_ENCRYPTION: Final[tuple[ContentEncryption, ...]] = (
    "A128CBC-HS256",
    "A256CBC-HS512",
    "A128GCM",
    "A256GCM",
)
DEFAULT_CONTENT_ENCRYPTION: Final[ContentEncryption] = "A128CBC-HS256"
"""What a registration without ``…_encrypted_response_enc`` means (OIDC Registration section 2)."""

_CURVES: Final = frozenset({"P-256", "P-384", "P-521", "X25519"})
_ENCRYPTING: Final = ("encrypt", "wrapKey", "deriveKey", "deriveBits")
"""Of ``key_ops`` (RFC 7517 section 4.3)."""
_ALLOWED: Final = jwe.JWERegistry(
    algorithms=(*KEY_MANAGEMENT, *CONTENT_ENCRYPTION),
    # Said in the header too, so that a recipient knows whose token it opens (RFC 7519 section 5.3).
    header_registry={
        "iss": HeaderParameter("Issuer", lambda _value: None),
        "aud": HeaderParameter("Audience", lambda _value: None),
    },
)
_HEADER: Final = frozenset({"alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv", "iss", "aud"})

_AnyKey = RSAKey | ECKey | OKPKey


def is_encrypted(raw: str) -> bool:
    """Say whether a token has the five parts of a compact JWE."""
    return raw.count(".") == 4


def encryption_key(
    jwks: Mapping[str, Any], *, alg: KeyManagement, kid: str | None = None
) -> Mapping[str, Any]:
    """Return the key of a client's JWK Set to encrypt to.

    Args:
        jwks: As registered or fetched; keys that can't serve are passed over.
        alg: What the client registered.
        kid: The one wanted; the first that fits otherwise.

    Raises:
        InvalidKey: If there is none.
    """
    members = jwks.get("keys")
    for member in members[:MAX_KEYS] if isinstance(members, list) else ():
        if not isinstance(member, dict) or kid not in (None, member.get("kid")):
            continue
        if member.get("use", "enc") != "enc" or member.get("alg", alg) != alg:
            continue
        if _may_encrypt(member) and _fits(member, alg):
            return member
    raise InvalidKey(public=f"There is no key to encrypt to with {alg}.")


def encrypt(
    plain: bytes,
    jwk: Mapping[str, Any],
    *,
    alg: KeyManagement,
    enc: ContentEncryption = DEFAULT_CONTENT_ENCRYPTION,
    cty: str = "JWT",
    issuer: str | None = None,
) -> str:
    """Encrypt to a client's public key.

    Args:
        plain: A signed JWT, or JSON.
        jwk: As ``encryption_key`` gives it.
        alg: How the content key travels.
        enc: How the content is encrypted.
        cty: ``JWT`` for a nested one (RFC 7519 section 5.2); empty for bare JSON.
        issuer: To be said in the header too (RFC 7519 section 5.3).

    Raises:
        InvalidKey: If the key does not fit the algorithm.
    """
    header: dict[str, Any] = {"alg": alg, "enc": enc}
    if cty:
        header["cty"] = cty
    if issuer is not None:
        header["iss"] = issuer
    if isinstance(jwk.get("kid"), str):
        header["kid"] = jwk["kid"]
    try:
        return jwe.encrypt_compact(header, plain, _import(jwk), registry=_ALLOWED)
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidKey(public="The key does not fit its algorithm.") from error


def decrypt(raw: str, key: _AnyKey) -> bytes:
    """Decrypt what a client sent us.

    Args:
        raw: Five parts of canonical base64url.
        key: Ours, private.

    Raises:
        JwtRefused: Whatever is wrong; one answer, so that it is no oracle (RFC 7516 section 11.5).
    """
    parts = raw.split(".")
    if len(raw) > MAX_TOKEN_CHARS or len(parts) != 5:
        raise JwtRefused("shape")
    header = parse_object(decode_part(parts[0]))
    if header.keys() - _HEADER:
        # `zip`, `crit`, `p2c`, a key in the header: nothing we know what to do with.
        raise JwtRefused("header")
    if header.get("alg") not in KEY_MANAGEMENT or header.get("enc") not in CONTENT_ENCRYPTION:
        raise JwtRefused("alg")
    try:
        opened = jwe.decrypt_compact(raw, key, registry=_ALLOWED)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise JwtRefused("decryption") from error
    return opened.plaintext or b""


def _may_encrypt(jwk: Mapping[str, Any]) -> bool:
    named = jwk.get("key_ops", _ENCRYPTING)
    return isinstance(named, list | tuple) and any(each in _ENCRYPTING for each in named)


def _fits(jwk: Mapping[str, Any], alg: KeyManagement) -> bool:
    try:
        key = _import(jwk)
    except InvalidKey:
        return False
    if isinstance(key, RSAKey):
        return alg == "RSA-OAEP-256" and is_sound_rsa(key)
    return alg != "RSA-OAEP-256" and key.curve_name in _CURVES


def _import(jwk: Mapping[str, Any]) -> _AnyKey:
    if PRIVATE_MEMBERS & jwk.keys():
        raise InvalidKey(public="The key holds private members.")
    kinds: dict[str, type[_AnyKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(str(jwk.get("kty")))
    if kind is None:
        raise InvalidKey(public="The key's type is not one we use.")
    try:
        with warnings.catch_warnings():
            # A small RSA key is only warned of; `_fits` refuses it.
            warnings.simplefilter("ignore", SecurityWarning)
            return kind.import_key(dict(jwk))
    except (JoseError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise InvalidKey(public="The key can't be read.") from error
