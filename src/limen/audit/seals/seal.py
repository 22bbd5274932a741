"""A segment's seal: a JWS that names the hashes of its events and the seal before it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from limen.protocol.jose import Claims, Compact
from limen.protocol.jwk import EDDSA, KeySet, SigningKey
from limen.protocol.jwt import JwtRefused, check_header, check_signature, peek, sign

SEAL_TYP: Final = "limen-audit-seal+jwt"
EXPORT_TYP: Final = "limen-audit-export+jwt"
MOST: Final = 2**62 - 1
"""No segment and no event has a greater number; nobody gets there by counting."""

_NAMES: Final = (
    "tenant_id",
    "segment",
    "first",
    "last",
    "previous",
    "events",
    "sealed_at",
    "broken",
)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a seal says.

    Args:
        tenant_id: Whose chain.
        segment: Which, counted from 1.
        first: The number of its first event.
        last: The number of its last event; between them none is missing.
        previous: The hash of the seal before, empty for the first.
        events: SHA-256 of its events' hashes, one behind the other.
        sealed_at: When, in ISO 8601.
        broken: Why the chain did not fit any more when this was sealed; empty as a rule.
    """

    tenant_id: str
    segment: int
    first: int
    last: int
    previous: str
    events: str
    sealed_at: str
    broken: str = ""

    @property
    def count(self) -> int:
        """How many events it covers."""
        return self.last - self.first + 1


def sign_seal(seal: Seal, key: SigningKey) -> str:
    """Return the seal as a compact JWS."""
    claims = {name: getattr(seal, name) for name in _NAMES}
    if not seal.broken:
        del claims["broken"]
    return sign(claims, key, typ=SEAL_TYP)


def verify_seal(raw: str, keys: KeySet) -> Seal:
    """Return what a seal says, if one of these keys signed it.

    Raises:
        JwtRefused: If it is not signed by one of them, or is no seal.
    """
    claims = verify_signed(raw, keys, typ=SEAL_TYP)
    if not _makes_sense(claims) or claims["first"] > claims["last"]:
        raise JwtRefused("claims")
    return Seal(**{name: claims[name] for name in _NAMES if name in claims})


def verify_signed(raw: str, keys: KeySet, *, typ: str) -> Claims:
    """Return the claims of a JWS that one of these keys signed.

    Raises:
        JwtRefused: If none did, or it is of another type.
    """
    token: Compact = peek(raw)
    alg = check_header(token, algorithms=EDDSA, typ=(typ,))
    kid = token.header.get("kid")
    if not isinstance(kid, str):
        raise JwtRefused("kid")
    check_signature(token, keys.find(kid, alg), alg)
    return token.claims


def seal_hash(raw: str) -> str:
    """Return what the next seal names this one by: SHA-256 of the whole JWS, in hex."""
    return sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def hash_of_hashes(hashes: bytes) -> str:
    """Return what a seal says of its events' hashes, one behind the other."""
    return sha256(hashes).hexdigest()


def is_count(value: object, *, least: int = 1) -> bool:
    """Say whether this is a number a chain counts with."""
    return type(value) is int and least <= value <= MOST


def is_hash(value: object) -> bool:
    """Say whether this is a SHA-256 in hex."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def texts(members: Mapping[str, Any], *names: str) -> bool:
    """Say whether all of these members are texts."""
    return all(isinstance(members.get(name), str) for name in names)


def _makes_sense(claims: Claims) -> bool:
    counted = all(is_count(claims.get(name)) for name in ("segment", "first", "last"))
    hashed = is_hash(claims.get("events")) and (
        not claims.get("previous") or is_hash(claims["previous"])
    )
    worded = texts(claims, "tenant_id", "previous") and isinstance(claims.get("broken", ""), str)
    return counted and hashed and worded and _is_moment(claims.get("sealed_at"))


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and dt.datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
