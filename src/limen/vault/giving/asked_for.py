"""What a person is asked for who gives a credential: at one provider, for one kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from limen.db.work import Work
from limen.federation.catalogue.credential_rule import (
    BasicRule,
    CredentialKind,
    ServiceAccountRule,
)
from limen.federation.catalogue.key_provider import ways_at
from limen.federation.facts import Feature
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import InvalidInput
from limen.vault.credentials.held_at import held_at
from limen.vault.features.offered import features_at
from limen.vault.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """What is asked for.

    Args:
        provider: Its id.
        title: What people call it.
        kind: Of the credential.
        kinds: All that the provider takes: what they are called there.
        features: What tokens can be wanted for; none where it is kept, and shared, whole.
        may_omit_password: The name alone may be what opens the account.
        may_impersonate: It may speak for somebody.
        manage_url: Where it is made and revoked by hand; empty where nobody says.
    """

    provider: str
    title: str
    kind: CredentialKind
    kinds: Mapping[CredentialKind, str]
    features: Mapping[str, Feature]
    may_omit_password: bool
    may_impersonate: bool
    manage_url: str


async def asked_for(work: Work, parts: Parts, *, provider: str, kind: str = "") -> AskedFor:
    """Return what is asked for at a provider.

    Args:
        work: Says the tenant.
        parts: The vault's.
        provider: Its id.
        kind: Of the credential; empty for the first that the provider takes.

    Raises:
        NotFound: ``provider_unknown``.
        NotPermitted: ``provider_disabled``.
        InvalidInput: ``credential_kind_unknown``.
    """
    client = await get_upstream_client(work, parts.envelope, provider=provider)
    base = parts.catalogue.get(provider, client.config)
    kinds = {name: way.rule.title for name, way in ways_at(base).by_kind.items()}
    chosen = kind or next(iter(kinds), "")
    if chosen not in kinds:
        text = "This provider takes no such key."
        raise InvalidInput("credential_kind_unknown", text, field="kind")
    held = held_at(base, chosen)
    way = held.way
    features = {} if way.is_whole else await features_at(work, held, provider_id=provider)
    return AskedFor(
        provider=provider,
        title=base.title,
        kind=way.kind,
        kinds=kinds,
        features=features,
        may_omit_password=isinstance(way.rule, BasicRule) and way.rule.may_omit_password,
        may_impersonate=isinstance(way.rule, ServiceAccountRule) and way.rule.may_impersonate,
        manage_url=held.facts.manage_url,
    )
