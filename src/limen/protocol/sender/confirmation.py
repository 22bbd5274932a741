"""What a token is bound to, as one word, and as the ``cnf`` claim says it (RFC 7800 section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

BEARER: Final = ""
"""Bound to nothing: whoever has it may use it."""

_JKT: Final = "jkt:"
_X5T: Final = "x5t#S256:"
_UNKNOWN: Final = "unknown:"
"""No key proves this one, so that a token bound in ways we do not know opens nothing."""

TokenType = Literal["Bearer", "DPoP"]


def of_proof(jkt: str) -> str:
    """Return what a token is bound to by a DPoP key with this thumbprint (RFC 9449 section 6)."""
    return _JKT + jkt


def of_certificate(thumbprint: str) -> str:
    """Return what a token is bound to by a TLS certificate (RFC 8705 section 3)."""
    return _X5T + thumbprint


def is_by_proof(bound_to: str) -> bool:
    """Say whether the sender must prove its key with DPoP."""
    return bound_to.startswith(_JKT)


def jkt_of(bound_to: str) -> str:
    """Return the thumbprint of the key that DPoP must prove; empty if it is no such key."""
    return bound_to.removeprefix(_JKT) if is_by_proof(bound_to) else ""


def token_type(bound_to: str) -> TokenType:
    """Return ``token_type``, which is also the scheme that the token is sent with."""
    return "DPoP" if is_by_proof(bound_to) else "Bearer"


def to_cnf(bound_to: str) -> dict[str, str]:
    """Return the ``cnf`` claim of a bound token.

    Raises:
        ValueError: It is bound to nothing we know how to check.
    """
    for prefix in (_JKT, _X5T):
        if bound_to.startswith(prefix) and len(bound_to) > len(prefix):
            return {prefix[:-1]: bound_to.removeprefix(prefix)}
    raise ValueError("a token is bound to jkt: or x5t#S256:")


def from_cnf(claims: Mapping[str, Any]) -> str:
    """Return what the claims of a token say it is bound to.

    Anything but exactly one method that we know is bound to something nobody can prove: of two
    conditions one must not be forgotten, and an unknown one not be ignored.
    """
    if "cnf" not in claims:
        return BEARER
    cnf = claims["cnf"]
    if isinstance(cnf, dict) and len(cnf) == 1:
        ((method, value),) = cnf.items()
        if f"{method}:" in {_JKT, _X5T} and isinstance(value, str) and value:
            return f"{method}:{value}"
    return _UNKNOWN
