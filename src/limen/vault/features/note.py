"""Record what a person gave, feature by feature: what was granted, not what was asked (F33)."""

from __future__ import annotations

from collections.abc import Iterable

from limen.db.work import Work
from limen.federation.provider import Provider
from limen.vault.events import FeatureActivated, FeatureDenied
from limen.vault.features.offered import features_at
from limen.vault.features.states import missing_of
from limen.vault.model import Grant
from limen.vault.store import features as store


async def note_features(
    work: Work, provider: Provider, *, connection_id: str, wanted: Iterable[str], grant: Grant
) -> None:
    """Switch on what the grant covers of the features wanted; the rest was denied.

    Args:
        work: The callback's.
        provider: Whose.
        connection_id: Over which connection.
        wanted: Features by name; one that was taken back meanwhile is passed over.
        grant: With the scopes that were granted.
    """
    offered = await features_at(work, provider, provider_id=grant.provider)
    for name in wanted:
        if name not in offered:
            continue
        missing = missing_of(offered[name], provider=provider, granted=grant.granted_scopes)
        if missing:
            await store.deny_feature(work, connection_id=connection_id, feature=name)
            await work.record(
                FeatureDenied(connection_id=connection_id, feature=name, missing_scopes=missing)
            )
        else:
            await store.allow_feature(work, connection_id=connection_id, feature=name)
            await work.record(FeatureActivated(connection_id=connection_id, feature=name))
