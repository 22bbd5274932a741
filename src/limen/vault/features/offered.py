"""Which features there are at a provider: the catalogue's, and the tenant's own."""

from __future__ import annotations

from collections.abc import Mapping

from limen.db.work import Work
from limen.federation.facts import Feature
from limen.federation.provider import Provider
from limen.vault.store import features as store


async def features_at(work: Work, provider: Provider, *, provider_id: str) -> Mapping[str, Feature]:
    """Return features by name; a declared one never stands in for one of the catalogue.

    Args:
        work: Says the tenant.
        provider: Whose.
        provider_id: Its name in this tenant.
    """
    declared = {
        each.feature: Feature(title=each.title, scopes=each.scopes)
        for each in await store.declared_at(work, provider_id)
    }
    return {**declared, **provider.facts.features}
