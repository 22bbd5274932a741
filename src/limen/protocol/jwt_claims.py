"""What a verifier expects of a JWT, and the checks of it; no cryptography here."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from limen.kernel.clock import from_timestamp
from limen.protocol.jose import Claims, JwtRefused

UNTYPED: Final = ""
"""In ``Expected.typ``: a token without ``typ`` will do, as in OpenID Connect Core."""

_LATEST: Final = 2**31
"""No NumericDate reaches further (N082): what does is an attack on arithmetic, not a date."""


_MOST_AHEAD: Final = dt.timedelta(seconds=60)
"""No clock is further ahead than this: what says so was not made yet (FAPI 2.0 SP 5.3.2.1)."""


class _Choice(Enum):
    ANY_AUDIENCE = "any audience"
    EXPIRED_IS_FINE = "expired is fine"


ANY_AUDIENCE: Final = _Choice.ANY_AUDIENCE
"""Whichever resource it is for, but one: introspection alone asks so."""
EXPIRED_IS_FINE: Final = _Choice.EXPIRED_IS_FINE
"""For ``id_token_hint``, which names a person and admits nobody."""


@dataclass(frozen=True, slots=True)
class AmongAudiences:
    """``aud`` is this value or an array that holds it: request objects (RFC 9101 §4)."""

    value: str


@dataclass(frozen=True, slots=True)
class AudienceIfNamed:
    """No ``aud``, or one that is or holds this value: software statements (RFC 7591 §2.3)."""

    value: str


@dataclass(frozen=True, slots=True)
class OneOfAudiences:
    """``aud`` is exactly one of these strings, never an array: client assertions."""

    values: frozenset[str]

    def __post_init__(self) -> None:
        if not self.values or "" in self.values:
            raise ValueError("a verifier that expects nothing would accept anything")


@dataclass(frozen=True, slots=True)
class AuthorizedParty:
    """The rule of ID tokens: several audiences only with ``azp`` (OIDC Core §3.1.3.7)."""

    client_id: str


Audience = (
    str
    | AmongAudiences
    | AudienceIfNamed
    | OneOfAudiences
    | AuthorizedParty
    | Literal[_Choice.ANY_AUDIENCE]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Everything a token must say to be believed. Nothing has a default that admits more.

    Args:
        algorithms: For this use; the key must allow it too. Never empty.
        typ: Media types, ``at+jwt`` say; with ``UNTYPED`` an absent one too. Types keep tokens
            of one issuer from standing in for each other (RFC 8725 §3.11).
        issuer: ``iss``, byte for byte.
        audience: A string: ``aud`` is exactly that one string, never an array.
        required: Claims that must be present beside ``iss`` and ``aud``.
        leeway: For ``exp`` and ``nbf`` of other people's clocks.
        longest: ``exp`` lies at most this far ahead.
        expiry: ``EXPIRED_IS_FINE``, or nothing.
    """

    algorithms: frozenset[str]
    typ: tuple[str, ...]
    issuer: str
    audience: Audience
    required: tuple[str, ...] = ("exp",)
    leeway: dt.timedelta = dt.timedelta()
    longest: dt.timedelta | None = None
    expiry: Literal[_Choice.EXPIRED_IS_FINE] | None = None

    def __post_init__(self) -> None:
        if not self.algorithms or not self.typ or not self.issuer or not self.audience:
            raise ValueError("a verifier that expects nothing would accept anything")


def check_typ(header: Mapping[str, Any], typ: tuple[str, ...]) -> None:
    """Compare media types: without case, and with or without ``application/`` (RFC 7515 §4.1.9).

    Raises:
        JwtRefused: If the header's is another, absent where it must be there, or no string.
    """
    if "typ" not in header:
        if UNTYPED not in typ:
            raise JwtRefused("typ")
        return
    named = header["typ"]
    if not isinstance(named, str) or not named:
        raise JwtRefused("typ")
    if named.lower().removeprefix("application/") not in {each.lower() for each in typ if each}:
        raise JwtRefused("typ")


def check_claims(claims: Claims, expected: Expected, now: dt.datetime) -> None:
    """Check issuer, audience, required claims and times of a token whose signature is good.

    Raises:
        JwtRefused: At the first that is not as expected.
    """
    for name in ("iss", "sub", "jti", "azp", "client_id", "nonce"):
        if name in claims and (not isinstance(claims[name], str) or not claims[name]):
            raise JwtRefused(name)
    if claims.get("iss") != expected.issuer:
        raise JwtRefused("iss")
    if "aud" in claims or not isinstance(expected.audience, AudienceIfNamed):
        _check_audience(claims, expected.audience)
    for name in expected.required:
        if claims.get(name) in (None, ""):
            raise JwtRefused(f"missing {name}")
    _check_times(claims, expected, now)


def _check_audience(claims: Claims, audience: Audience) -> None:
    named = claims.get("aud")
    several = named if isinstance(named, list) else [named]
    if not several or not all(isinstance(each, str) and each for each in several):
        raise JwtRefused("aud")
    if isinstance(audience, AmongAudiences | AudienceIfNamed):
        fits = audience.value in several
    elif isinstance(audience, OneOfAudiences):
        fits = isinstance(named, str) and named in audience.values
    elif isinstance(audience, AuthorizedParty):
        azp = claims.get("azp", audience.client_id if len(several) == 1 else None)
        fits = audience.client_id in several and azp == audience.client_id
    elif audience is ANY_AUDIENCE:
        fits = isinstance(named, str)
    else:
        fits = named == audience
    if not fits:
        raise JwtRefused("aud")


def _check_times(claims: Claims, expected: Expected, now: dt.datetime) -> None:
    exp, nbf, iat = (read_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if exp is not None:
        if expected.expiry is None and exp <= now - expected.leeway:
            raise JwtRefused("expired")
        if expected.longest is not None and exp > now + expected.longest + expected.leeway:
            raise JwtRefused("exp")
    if nbf is not None and nbf > now + expected.leeway:
        raise JwtRefused("nbf")
    if iat is not None and iat > now + _MOST_AHEAD:
        raise JwtRefused("iat")


def read_moment(claims: Claims, name: str) -> dt.datetime | None:
    """Read a NumericDate; a fraction is fine, a string, a bool or 1e300 is not (N082).

    Raises:
        JwtRefused: It is there and is none.
    """
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise JwtRefused(name)
    if not (0 < value <= _LATEST and math.isfinite(value)):
        raise JwtRefused(name)
    return from_timestamp(value)
