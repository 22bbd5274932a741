"""Claims that an operator adds to tokens: each from a fact about the user or client, or fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.kernel.errors import InvalidInput
from limen.protocol.claims import STANDARD_CLAIMS

MAX_RULES: Final = 50
MAX_NAME_CHARACTERS: Final = 100
MAX_VALUE_CHARACTERS: Final = 1000

RESERVED_CLAIMS: Final = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "azp", "typ", "scope"}
    | {"nonce", "auth_time", "acr", "amr", "at_hash", "c_hash", "s_hash", "sid", "cnf"}
    | {"act", "may_act", "events", "roles", "groups", "entitlements", "tenant"}
    | {"authorization_details"}
)
"""Claims that no custom claim, mapper or hook may set: they decide who is admitted (N096)."""

ROLES: Final = "user.roles"
FACTS: Final = frozenset(
    {*(f"user.{name}" for name in STANDARD_CLAIMS), "user.id", ROLES, "client.name", "client.id"}
)
"""Where a claim may come from."""


def check_rules(rules: Mapping[str, Any], *, field: str) -> None:
    """Refuse rules that could not be followed.

    A rule is a claim's name with a fact, ``"plan_owner": "user.email"``, or a fixed value,
    ``"plan": {"value": "pro"}``. ``roles`` alone of the reserved names may be named, from
    ``user.roles``: what is true of a person can't be made up.

    Args:
        rules: JSON.
        field: The member they came in.

    Raises:
        InvalidInput: ``claims_invalid``.
    """
    if len(rules) > MAX_RULES:
        raise InvalidInput("claims_invalid", "There are too many claims.", field=field)
    for name, rule in rules.items():
        problem = _problem(name, rule)
        if problem:
            raise InvalidInput("claims_invalid", f"{name[:100]}: {problem}", field=field)


def mapped(rules: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims that the rules make of the facts; what is not known is left out.

    Args:
        rules: Checked when they were stored.
        facts: By the names of ``FACTS``.
    """
    claims: dict[str, Any] = {}
    for name, rule in rules.items():
        value = rule["value"] if isinstance(rule, dict) else facts.get(rule)
        if value is not None:
            claims[name] = value
    return claims


def facts_in(rules: Mapping[str, Any]) -> frozenset[str]:
    """Return the facts that have to be known."""
    return frozenset(rule for rule in rules.values() if isinstance(rule, str))


def _problem(name: str, rule: Any) -> str:
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        return "not the name of a claim."
    if name in RESERVED_CLAIMS and (name, rule) != ("roles", ROLES):
        return "this claim is ours to set."
    if isinstance(rule, str):
        return "" if rule in FACTS else "there is no such fact."
    if not isinstance(rule, dict) or rule.keys() != {"value"}:
        return 'either a fact or {"value": …}.'
    return "" if _is_plain(rule["value"]) else "a text, number, truth value or list of texts."


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_VALUE_CHARACTERS
    if isinstance(value, list):
        return len(value) <= MAX_RULES and all(isinstance(each, str) for each in value)
    return isinstance(value, bool | int)
