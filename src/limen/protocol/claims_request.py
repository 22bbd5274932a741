"""The ``claims`` parameter: which claims a client wants, and where (OIDC Core section 5.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from limen.kernel.errors import OAuthRefusal
from limen.protocol.jose import JwtRefused, parse_object

MAX_CLAIMS_BYTES: Final = 8192
MAX_CLAIMS: Final = 100
MAX_VALUES: Final = 20
_DECIDING: Final = frozenset({"sub", "acr"})

Destination = Literal["userinfo", "id_token"]
DESTINATIONS: Final[tuple[Destination, ...]] = ("userinfo", "id_token")

ClaimsRequest = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By destination and claim: ``essential``, ``value`` and ``values``, as far as they were sent."""


def parse_claims_request(raw: str | None) -> ClaimsRequest:
    """Read the ``claims`` parameter; what it holds beside the two destinations is ignored.

    Returns:
        What is wanted, by destination; empty when the parameter was not sent.

    Raises:
        OAuthRefusal: ``invalid_request``: no JSON object, members of another form than
            section 5.5 gives them, or so much that reading it is the attack (N233, N236).
    """
    if raw is None:
        return {}
    if len(raw) > MAX_CLAIMS_BYTES:
        raise _invalid("claims is too long.")
    try:
        members = parse_object(raw.encode())
    except JwtRefused:
        raise _invalid("claims must be a JSON object.") from None
    wanted = {to: _wanted(members[to]) for to in DESTINATIONS if members.get(to) is not None}
    return {to: claims for to, claims in wanted.items() if claims}


def write_claims_request(wanted: ClaimsRequest) -> str:
    """Write a request as the parameter again."""
    return json.dumps(wanted, separators=(",", ":"))


def names_for(wanted: ClaimsRequest, to: Destination) -> frozenset[str]:
    """Return the claims that are wanted there."""
    return frozenset(wanted.get(to, ()))


def wanted_subject(wanted: ClaimsRequest) -> str | None:
    """Return the one ``sub`` that will do (section 5.5.1); ``None`` if any will.

    Raises:
        OAuthRefusal: ``invalid_request``: two different ones, or something else than a text.
    """
    named = {
        value for to in DESTINATIONS for value in accepted_values(wanted.get(to, {}).get("sub", {}))
    }
    if len(named) > 1 or not all(isinstance(value, str) for value in named):
        raise _invalid("claims asks for more than one sub.")
    return named.pop() if named else None


def accepted_values(asked: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values that a claim may have; empty for any."""
    if "value" in asked:
        return (asked["value"],)
    return tuple(asked.get("values", ()))


def only_claims(wanted: ClaimsRequest, *, allowed: frozenset[str]) -> ClaimsRequest:
    """Return of a request what is allowed."""
    kept = {
        to: {name: asked for name, asked in claims.items() if name in allowed}
        for to, claims in wanted.items()
    }
    return {to: claims for to, claims in kept.items() if claims}


def _wanted(members: object) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(members, dict):
        raise _invalid("claims names its claims in objects.")
    if len(members) > MAX_CLAIMS:
        raise _invalid("claims asks for too many.")
    return {name: _asked(asked, decides=name in _DECIDING) for name, asked in members.items()}


def _asked(asked: object, *, decides: bool) -> Mapping[str, Any]:
    """Read how one claim is asked for; ``null`` means: voluntarily, whatever its value.

    Args:
        asked: As sent.
        decides: Whether its values say who may be let in, and so have to be understood. Others
            are a wish: an address, which is an object, is told as it is.
    """
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise _invalid("claims says null or an object of each claim.")
    kept: dict[str, Any] = {}
    if "essential" in asked:
        if not isinstance(asked["essential"], bool):
            raise _invalid("essential is true or false.")
        kept["essential"] = asked["essential"]
    if "value" in asked and _is_plain(asked["value"], decides=decides):
        kept["value"] = asked["value"]
    if "values" in asked:
        values = asked["values"]
        if not isinstance(values, list) or not 0 < len(values) <= MAX_VALUES:
            raise _invalid("values is a list.")
        kept["values"] = [value for value in values if _is_plain(value, decides=decides)]
    return kept


def _is_plain(value: object, *, decides: bool) -> bool:
    if isinstance(value, str | int | float | bool):
        return True
    if decides:
        raise _invalid("a value is a text, a number or a boolean.")
    return False


def _invalid(public: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_request", public, field="claims")
