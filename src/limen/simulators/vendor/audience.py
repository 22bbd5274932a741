"""For which of a vendor's resources a token is, by the scopes that are asked for; one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from limen.federation.catalogue.addresses import PLACEHOLDER
from limen.federation.catalogue.entry import Entry

_OPENID: Final = frozenset({"openid", "profile", "email", "offline_access"})

UNCONSENTED: Final[dict[str, Any]] = {
    "error": "invalid_grant",
    "suberror": "consent_required",
    "error_codes": [65001],
    "error_description": "AADSTS65001: Nobody has consented to use the application there.",
}
MIXED: Final[dict[str, Any]] = {
    "error": "invalid_request",
    "error_codes": [28000],
    "error_description": "AADSTS28000: The scope contains more than one resource.",
}


def place_of(entry: Entry, scope: str) -> str:
    """Return what a scope begins with: a resource's identifier; empty for the default one's."""
    for resource in entry.resources.values():
        if resource.is_default:
            continue
        pieces = PLACEHOLDER.split(resource.identifier)
        patterns = [
            f"(?:{entry.values[piece].pattern})" if at % 2 else re.escape(piece)
            for at, piece in enumerate(pieces)
        ]
        found = re.match(f"({''.join(patterns)})/.", scope)
        if found is not None:
            return found[1]
    return ""


def places_of(entry: Entry, scopes: Iterable[str]) -> set[str]:
    """Return the places of scopes, those aside that say who somebody is."""
    return {place_of(entry, scope) for scope in scopes if scope not in _OPENID}


def consented_at(place: str, asked: Sequence[str], consented: Iterable[str]) -> list[str]:
    """Return what a token for a resource is good for; nothing if nobody agreed to it.

    Args:
        place: The resource.
        asked: Its scopes, or ``.default`` of it: all that was agreed to.
        consented: What the account ever agreed to.
    """
    there = [scope for scope in consented if scope.startswith(f"{place}/")]
    if f"{place}/.default" in asked:
        return there
    wanted = {scope for scope in asked if scope.startswith(f"{place}/")}
    return [scope for scope in there if scope in wanted] if wanted <= set(there) else []
