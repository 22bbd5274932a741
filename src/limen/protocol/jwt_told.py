"""What the signer of a JWT may read about its refusal: fixed sentences, nothing out of the JWT.

Whoever holds the key may know which claim is wrong, for they wrote it. Before the signature has
proven good nobody may: all of that is one sentence, the caller's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from limen.protocol.jose import Compact, JwtRefused
from limen.protocol.jwk import KeySet
from limen.protocol.jwt import UNTYPED, Expected, peek, prove

MAX_JTI_CHARACTERS: Final = 512
"""The longest ``jti`` of a client assertion."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alg": "alg is not one that may be used here.",
        "client_id": "client_id is not the client that presents it.",
        "exp beyond nbf": "exp is too long after nbf.",
        "expired": "It has expired: exp has passed.",
        "iat": "iat must be a NumericDate, and not in the future.",
        "jti": f"jti must be a string of 1 to {MAX_JTI_CHARACTERS} characters.",
        "nbf": "nbf must be a NumericDate, and not in the future.",
        "old iat": "It is too old: iat is too long ago.",
        "old nbf": "It is too old: nbf is too long ago.",
        "typ": "typ names another kind of token than is taken here.",
        "replayed": "It was presented before: each needs a jti of its own.",
    }
)
_MISSING: Final = "missing "
_OF_HEADER: Final = frozenset({"alg", "typ"})


class ProvenRefused(JwtRefused):
    """A token that its signer did sign, refused for what it says."""


@contextmanager
def proven() -> Iterator[None]:
    """Mark what is refused within: the signature is good, its signer may learn the reason.

    Raises:
        ProvenRefused: In place of any ``JwtRefused``.
    """
    try:
        yield
    except JwtRefused as refusal:
        raise ProvenRefused(refusal.reason) from refusal


def prove_or_tell(raw: str, keys: KeySet, *, expected: Expected, known: frozenset[str]) -> Compact:
    """Do as ``prove``; who signed well with an ``alg`` or ``typ`` that will not do may learn it.

    Only they: before the signature holds, another answer would tell strangers which clients
    there are.

    Args:
        raw: As received.
        keys: Of the one who should have signed.
        expected: What may have signed, and as what type.
        known: All algorithms that we know for this use. None of them is accepted that is not
            expected.

    Raises:
        ProvenRefused: ``alg`` or ``typ``, and the signature is one of these keys' all the same.
        JwtRefused: As ``prove``.
    """
    try:
        return prove(raw, keys, expected=expected)
    except JwtRefused as refusal:
        wider = replace(expected, algorithms=known)
        if refusal.reason not in _OF_HEADER or not _is_signed(raw, keys, expected=wider):
            raise
        raise ProvenRefused(refusal.reason) from refusal


def told(
    refusal: JwtRefused,
    *,
    otherwise: str,
    words: Mapping[str, str],
    longest: dt.timedelta | None = None,
) -> str:
    """Return what its sender reads of a refusal.

    Args:
        refusal: Believed only if it is a ``ProvenRefused``.
        otherwise: The sentence for every refusal before the signature has proven good, and for
            reasons without words.
        words: By reason, what differs by use: ``aud``, who ``iss`` is. Fixed text and what is
            registered, never a part of the token.
        longest: How far ahead ``exp`` may lie.
    """
    if not isinstance(refusal, ProvenRefused):
        return otherwise
    reason = refusal.reason
    if reason.startswith(_MISSING):
        return f"{reason.removeprefix(_MISSING)} is missing."
    if reason == "exp":
        limit = "" if longest is None else f", at most {int(longest.total_seconds())} seconds ahead"
        return f"exp must be a NumericDate{limit}."
    return words.get(reason) or _WORDS.get(reason, otherwise)


def _is_signed(raw: str, keys: KeySet, *, expected: Expected) -> bool:
    """Say whether one of these keys signed it, as whatever type it names."""
    try:
        named = peek(raw).header.get("typ", UNTYPED)
        typ = named.lower().removeprefix("application/") if isinstance(named, str) else UNTYPED
        prove(raw, keys, expected=replace(expected, typ=(typ,)))
    except JwtRefused:
        return False
    return True
