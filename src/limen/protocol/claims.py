"""Which claims about a person a scope opens (OIDC Core sections 5.1 and 5.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

SCOPE_CLAIMS: Final[Mapping[str, tuple[str, ...]]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}

STANDARD_CLAIMS: Final = tuple(claim for claims in SCOPE_CLAIMS.values() for claim in claims)

ADDRESS_MEMBERS: Final = (
    "formatted",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
)


def claims_of_scopes(scope: Iterable[str]) -> frozenset[str]:
    """Return the names that the scopes open."""
    return frozenset(claim for word in scope for claim in SCOPE_CLAIMS.get(word, ()))


def scopes_of_claims(names: Collection[str]) -> tuple[str, ...]:
    """Return the scopes that would open these claims: what a person is asked about them."""
    return tuple(
        scope for scope, claims in SCOPE_CLAIMS.items() if any(name in names for name in claims)
    )


def select_claims(
    account: Mapping[str, Any], *, scope: Iterable[str], names: Iterable[str] = ()
) -> dict[str, Any]:
    """Return of an account's claims those that are opened and have a value.

    An allow-list of standard names: whatever else the account carries, ``sub``, ``iss`` and
    the like can't be written by it (N096). ``email_verified: false`` is a value.

    Args:
        account: Everything there is of a person.
        scope: Opens the claims of its scopes.
        names: Opened one by one, as the ``claims`` parameter asked and the person agreed.
    """
    opened = claims_of_scopes(scope) | frozenset(names)
    return {
        name: account[name]
        for name in STANDARD_CLAIMS
        if name in opened and account.get(name) not in (None, "", {})
    }
