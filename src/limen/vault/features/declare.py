"""Declare features of a tenant's own: named sets of a provider's scopes."""

from __future__ import annotations

import re
from typing import Final

from limen.db.work import Work
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.vault.events import FeatureDeclared, FeatureUndeclared
from limen.vault.parts import Parts
from limen.vault.store import features as store

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
_MAX_TITLE_CHARS: Final = 200
_MAX_SCOPES: Final = 50
_MAX_FEATURES: Final = 100


async def declare_feature(
    work: Work, parts: Parts, *, provider: str, feature: str, title: str, scopes: tuple[str, ...]
) -> None:
    """Declare a feature, new or changed; who has it active keeps it only while its scopes are held.

    Args:
        work: Its actor may change the tenant's providers.
        parts: The vault's.
        provider: Its id in this tenant.
        feature: Lower-case, up to 40 characters.
        title: For people.
        scopes: In the provider's own names.

    Raises:
        NotFound: ``provider_unknown``.
        Conflict: ``feature_exists``: the catalogue has one of that name; ``too_many_features``.
        InvalidInput: ``feature_invalid``.
    """
    client = await get_upstream_client(work, parts.envelope, provider=provider, even_disabled=True)
    known = parts.catalogue.get(provider, client.config)
    _check(feature, title, scopes)
    if feature in known.facts.features:
        raise Conflict("feature_exists", "The provider has a feature of this name already.")
    declared = await store.declared_at(work, provider)
    if len(declared) >= _MAX_FEATURES and all(each.feature != feature for each in declared):
        raise Conflict("too_many_features", "No more features can be declared here.")
    await store.declare(
        work, provider=provider, feature=feature, title=title, scopes=known.normalise(scopes)
    )
    await work.record(FeatureDeclared(provider=provider, feature=feature, scopes=scopes))


async def undeclare_feature(work: Work, *, provider: str, feature: str) -> None:
    """Take a declared feature back; connections keep the scopes they have.

    Raises:
        NotFound: ``feature_unknown``.
    """
    if not await store.take_back(work, provider=provider, feature=feature):
        raise NotFound("feature_unknown", "There is no such feature.")
    await work.record(FeatureUndeclared(provider=provider, feature=feature))


def _check(feature: str, title: str, scopes: tuple[str, ...]) -> None:
    if not _NAME.fullmatch(feature):
        text = "A feature's name is lower-case letters, digits, hyphens and underscores."
        raise InvalidInput("feature_invalid", text, field="feature")
    if not 0 < len(title) <= _MAX_TITLE_CHARS or not title.isprintable():
        raise InvalidInput("feature_invalid", "The title can't be read.", field="title")
    if not 0 < len(scopes) <= _MAX_SCOPES or not all(_SCOPE.fullmatch(each) for each in scopes):
        raise InvalidInput("feature_invalid", "Name the scopes it needs.", field="scopes")
