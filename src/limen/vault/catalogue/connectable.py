"""What the vault needs of a provider, beside what federation does."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from limen.federation.provider import Provider
from limen.vault.catalogue.entry import Feature, Lifetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How a provider treats what it gave.

    Args:
        features: What apps may switch on, by name.
        identity_scopes: Always asked, to learn whose account it is.
        manage_url: Where a person removes our access by hand; empty if nobody knows.
        sends_first: Which token the revocation endpoint takes first.
        blast_radius: What dies with a token that is revoked.
        already_gone: Its errors that mean there is nothing left to revoke.
    """

    lifetime: Lifetime
    features: Mapping[str, Feature]
    identity_scopes: tuple[str, ...] = ()
    manage_url: str = ""
    sends_first: Literal["refresh", "access"] = "refresh"
    sends_as: str = "token"
    blast_radius: Literal["token", "grant", "project"] = "token"
    already_gone: tuple[str, ...] = ()

    @property
    def is_single_use(self) -> bool:
        """Whether using a refresh token consumes it."""
        return self.lifetime.rotation == "single_use"


class Connectable(Provider):
    """A provider that accounts can be connected at."""

    @property
    @abc.abstractmethod
    def facts(self) -> Facts:
        """How it treats what it gave."""

    @property
    @abc.abstractmethod
    def issuer_of_identities(self) -> str:
        """The issuer that its accounts are kept under."""

    @abc.abstractmethod
    def is_own_issuer(self, issuer: str) -> bool:
        """Say whether ``iss`` of an ID token is this provider's, under any of its names."""

    def normalise(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Return scopes under the names that answers use, each once (F33)."""
        return tuple(dict.fromkeys(scope for scope in scopes if scope))
