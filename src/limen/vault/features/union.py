"""What to ask a person for: what is wanted, what was given before, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable

from limen.federation.facts import Feature
from limen.federation.provider import Provider
from limen.vault.model import Grant


def scopes_to_ask(
    provider: Provider, features: Iterable[Feature], *, pinned: Grant | None
) -> tuple[str, ...]:
    """Return the union of scopes to ask for, in the provider's own names, each once.

    Where a new consent replaces the old one, asking for less would take away (F33).

    Args:
        provider: Whose.
        features: What is wanted.
        pinned: The grant that is renewed, if one is.
    """
    scopes = [*provider.facts.identity_scopes]
    for feature in features:
        scopes += feature.scopes
    if pinned is not None:
        known = set(provider.normalise(scopes))
        scopes += [scope for scope in pinned.granted_scopes if scope not in known]
    return tuple(dict.fromkeys(scopes))
