"""Compact JWS, read strictly: one way to write each token, and no other is accepted.

Strictness here is what lets everything above trust a parsed token: a second spelling of a
revoked token (padding, loose bits, duplicate members) is not a token at all.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from limen.kernel.errors import InvalidInput
from limen.kernel.foreign_json import parse_json

MAX_TOKEN_CHARS: Final = 32_768
MAX_KID_CHARS: Final = 256
_SHORT_HEADER_CHARS: Final = 512
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

Claims = dict[str, Any]


class JwtRefused(InvalidInput):
    """A token that proves nothing.

    Args:
        reason: Which check refused it, for the log and for the caller that re-reads keys on
            ``unknown_key``. The public answer is the same whatever it says: telling them apart
            would help a forger.
    """

    default_code = "invalid_jwt"

    def __init__(self, reason: str) -> None:
        super().__init__(public="The token is not valid.", detail=reason)
        self.reason = reason


class Compact(NamedTuple):
    """The parts of a compact JWS, parsed and not yet believed."""

    header: Mapping[str, Any]
    claims: Claims
    signing_input: bytes
    signature: bytes


def parse_compact(raw: str) -> Compact:
    """Read a compact JWS whose payload is a JSON object.

    Refuses anything but three canonical base64url parts (N080; five parts would be a JWE,
    N074), an empty signature (N070), duplicate members, NaN and infinities, NUL and lone
    surrogates in strings, and over-long input.

    Spec: RFC 7515 §7.1, RFC 8725 §2.4 to §2.8.

    Raises:
        JwtRefused: If it is anything else.
    """
    if len(raw) > MAX_TOKEN_CHARS:
        raise JwtRefused("too_long")
    parts = raw.split(".")
    if len(parts) != 3:
        raise JwtRefused("shape")
    header = _read_header(parts[0])
    claims = parse_object(decode_part(parts[1]))
    signature = decode_part(parts[2])
    return Compact(header, claims, raw[: raw.rindex(".")].encode("ascii"), signature)


def _read_header(part: str) -> Mapping[str, Any]:
    return _short_header(part) if len(part) < _SHORT_HEADER_CHARS else _any_header(part)


def _any_header(part: str) -> Mapping[str, Any]:
    return MappingProxyType(parse_object(decode_part(part)))


_short_header = functools.lru_cache(maxsize=256)(_any_header)
"""All tokens of one key have the same header; long ones are not remembered for strangers."""


def read_kid(raw: str) -> str | None:
    """Return the ``kid`` a token's header names, believing nothing.

    Raises:
        JwtRefused: If there is no header to read.
    """
    if len(raw) > MAX_TOKEN_CHARS:
        raise JwtRefused("too_long")
    kid = _read_header(raw.partition(".")[0]).get("kid")
    return kid if isinstance(kid, str) else None


def decode_part(part: str) -> bytes:
    """Decode canonical base64url: no padding, no white space, no set bits after the end.

    Raises:
        JwtRefused: If another text would decode to the same bytes, or it is empty.
    """
    if _BASE64URL.fullmatch(part) is None or len(part) % 4 == 1:
        raise JwtRefused("encoding")
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode("ascii"):
        raise JwtRefused("encoding")
    return decoded


def parse_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object that every reader understands alike (RFC 8259 §4, RFC 8725 §2.4).

    Raises:
        JwtRefused: If it is not one, nests too deeply, repeats a member at any depth, or holds
            what is no JSON.
    """
    try:
        value = parse_json(text.decode("utf-8"), pairs=_without_duplicates)
    except ValueError as error:
        raise JwtRefused("json") from error
    if not isinstance(value, dict):
        raise JwtRefused("json")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members
