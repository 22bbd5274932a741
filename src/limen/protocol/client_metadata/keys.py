"""The keys and algorithms in a registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.protocol.client_metadata.names import CERTIFICATE_NAMES, CLIENT_ALGS, ClientAlg
from limen.protocol.distinguished_name import parse_dn
from limen.protocol.jose import MAX_KID_CHARS
from limen.protocol.jwe import (
    CONTENT_ENCRYPTION,
    DEFAULT_CONTENT_ENCRYPTION,
    KEY_MANAGEMENT,
    ContentEncryption,
    KeyManagement,
)
from limen.protocol.jwk import (
    EDDSA,
    PRIVATE_MEMBERS,
    InvalidKey,
    bare_key_set,
    import_public,
)
from limen.protocol.metadata_members import Members

MAX_CLIENT_KEYS: Final = 20
_MATERIAL: Final = ("kty", "n", "e", "crv", "x", "y")
_CHECKED_CURVES: Final = frozenset({"P-256", "P-384", "P-521", "Ed25519"})


def read_jwks(read: Members, *, jwks_uri: str | None) -> Mapping[str, Any] | None:
    """Read a client's keys by value.

    Public ones alone: a private or symmetric key that was sent is known to others now, and
    shall never be relied on. Keys of kinds we do not use may stand beside ours (RFC 7517 5);
    one that can't be a key is left out, and so is what no key has.

    Raises:
        InvalidInput: ``invalid_client_metadata``; also for ``jwks_uri`` beside it
            (RFC 7591 section 2).
    """
    jwks = read.document("jwks")
    if jwks is None:
        return None
    if jwks_uri is not None:
        raise read.invalid("jwks", "give jwks or jwks_uri, not both.")
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys:
        raise read.invalid("jwks", "a JWK Set with at least one key.")
    if len(keys) > MAX_CLIENT_KEYS:
        raise read.invalid("jwks", f"at most {MAX_CLIENT_KEYS} keys.")
    for key in keys:
        problem = _problem_of_key(key)
        if problem:
            raise read.invalid("jwks", problem)
    bare = bare_key_set({"keys": keys})
    if not bare["keys"]:
        raise read.invalid("jwks", "a member of a key is of another type than RFC 7517 says.")
    return bare


def _problem_of_key(key: object) -> str:
    if not isinstance(key, dict) or not isinstance(key.get("kty"), str):
        return "a key is an object with a kty."
    if PRIVATE_MEMBERS & key.keys() or key["kty"] == "oct":
        return "holds a private or symmetric key; make new keys and register their public halves."
    kid = key.get("kid", "")
    if not isinstance(kid, str) or len(kid) > MAX_KID_CHARS:
        return "a kid is a short text."
    if key["kty"] != "RSA" and str(key.get("crv")) not in _CHECKED_CURVES:
        return ""
    try:
        import_public({name: key[name] for name in _MATERIAL if name in key})
    except InvalidKey:
        return "a key can't be read, or is weaker than RSA with 2048 bits."
    return ""


def read_client_alg(read: Members, field: str) -> ClientAlg | None:
    """Read an algorithm the client signs with; ``none`` and HS* are none of them."""
    given = read.text(field)
    if given in EDDSA:
        return "EdDSA"
    return read.optional_choice(field, of=CLIENT_ALGS)


def read_encryption(
    read: Members, kind: str, *, has_keys: bool
) -> tuple[KeyManagement | None, ContentEncryption | None]:
    """Read how answers of a kind are encrypted to the client: not at all if it says nothing.

    Args:
        read: The registration.
        kind: Before ``_alg`` and ``_enc``: ``id_token_encrypted_response`` say.
        has_keys: Whether it registered keys to encrypt to.
    """
    alg = read.optional_choice(f"{kind}_alg", of=KEY_MANAGEMENT)
    enc = read.optional_choice(f"{kind}_enc", of=CONTENT_ENCRYPTION)
    if alg is None:
        if enc is not None:
            raise read.invalid(f"{kind}_enc", f"needs {kind}_alg beside it.")
        return None, None
    if not has_keys:
        raise read.invalid(f"{kind}_alg", "needs keys: register jwks or jwks_uri.")
    return alg, enc or DEFAULT_CONTENT_ENCRYPTION


def read_certificate_names(read: Members, *, needed: bool) -> dict[str, str | None]:
    """Read what a certificate must say: exactly one member for ``tls_client_auth``."""
    names = {field: read.text(field, longest=1024) for field in CERTIFICATE_NAMES}
    given = [field for field, value in names.items() if value is not None]
    if needed and len(given) != 1:
        raise read.invalid(
            given[1] if given else CERTIFICATE_NAMES[0],
            f"tls_client_auth needs exactly one of {', '.join(CERTIFICATE_NAMES)}.",
        )
    if needed and given == ["tls_client_auth_subject_dn"]:
        parse_dn(str(names["tls_client_auth_subject_dn"]))
    return names if needed else dict.fromkeys(CERTIFICATE_NAMES)
