"""The features of one connection, as its owner and the apps see them."""

from __future__ import annotations

from dataclasses import dataclass

from limen.db.work import Work
from limen.federation.facts import Feature
from limen.federation.provider import Provider
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import NotFound
from limen.vault.credentials.held_at import seen_by
from limen.vault.features.offered import features_at
from limen.vault.features.states import Standing, standing_of
from limen.vault.model import Connection
from limen.vault.parts import Parts
from limen.vault.resources.agreed import scopes_held
from limen.vault.store import connections
from limen.vault.store.features import Noted, noted_features


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFeature:
    """A feature, what it needs, and what it is."""

    name: str
    feature: Feature
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A connection with all that its features are decided by.

    Args:
        held: The scopes it is good for, at whichever of the provider's resources.
    """

    connection: Connection
    provider: Provider
    features: dict[str, Feature]
    noted: dict[str, Noted]
    held: tuple[str, ...]

    def standing(self, name: str) -> Standing:
        """Return what a feature is.

        Raises:
            NotFound: ``feature_unknown``.
        """
        feature = self.features.get(name)
        if feature is None:
            raise NotFound("feature_unknown", "The provider has no such feature.")
        noted = self.noted.get(name)
        return standing_of(feature, noted, provider=self.provider, granted=self.held)


async def see(work: Work, parts: Parts, *, connection_id: str, owner_id: str) -> Seen:
    """Read a connection and its features.

    Raises:
        NotFound: ``connection_not_found``.
    """
    found = await connections.show_connection(work, connection_id=connection_id, owner_id=owner_id)
    if found is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    client = await get_upstream_client(
        work, parts.envelope, provider=found.provider, even_disabled=True
    )
    provider = seen_by(parts, client, found.grant)
    return Seen(
        connection=found,
        provider=provider,
        features=dict(await features_at(work, provider, provider_id=found.provider)),
        noted=await noted_features(work, connection_id),
        held=await scopes_held(work, provider, found.grant),
    )


async def list_features(
    work: Work, parts: Parts, *, connection_id: str, owner_id: str
) -> tuple[Provider, list[ShownFeature]]:
    """Return a connection's provider and every feature there is over it.

    Raises:
        NotFound: ``connection_not_found``.
    """
    seen = await see(work, parts, connection_id=connection_id, owner_id=owner_id)
    shown = [
        ShownFeature(name=name, feature=feature, standing=seen.standing(name))
        for name, feature in sorted(seen.features.items())
    ]
    return seen.provider, shown
