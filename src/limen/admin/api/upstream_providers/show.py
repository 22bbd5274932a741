"""What a tenant has of providers, without a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from limen.admin.api.upstream_providers.schemas import (
    ClientView,
    FeatureView,
    ProviderDetail,
    ProviderView,
    ScopeView,
    SecretView,
)
from limen.db.work import Work
from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.key_provider import KeyProvider, ways_at
from limen.federation.clients.record import ClientRecord, SealedCredential
from limen.federation.describe_provider import list_entries
from limen.federation.provider import Provider
from limen.federation.registry import Providers
from limen.federation.upstream_clients import list_upstream_clients, trouble_of
from limen.kernel.errors import NotFound

Source = Literal["shipped", "plugin", "own", "issuer"]


async def list_providers(work: Work, providers: Providers) -> list[ProviderView]:
    """Return all there are, configured or not, by id; incomplete ones with what they lack."""
    records = {record.provider: record for record in await list_upstream_clients(work)}
    configs = await _configs(work, records, shipped=providers.ids)
    shown = (
        _common(name, providers, config=configs[name], record=records.get(name))
        for name in sorted(configs)
    )
    return [ProviderView(**members) for members in shown if members]


async def show_provider(work: Work, providers: Providers, *, provider: str) -> ProviderDetail:
    """Return one with all that is known of it.

    Raises:
        NotFound: ``provider_unknown``.
    """
    records = {record.provider: record for record in await list_upstream_clients(work)}
    config = (await _configs(work, records, shipped=providers.ids)).get(provider)
    common = {}
    if config is not None:
        common = _common(provider, providers, config=config, record=records.get(provider))
    if config is None or not common:
        raise NotFound("provider_unknown", "There is no such provider here.")
    found = providers.find_complete(provider, config)
    if found is None:
        return ProviderDetail(**common, features=[], scopes=[], entry=config.get("entry"))
    facts = found.facts
    entry = found.entry if isinstance(found, CatalogueProvider | KeyProvider) else None
    return ProviderDetail(
        **common,
        features=[
            FeatureView(name=name, title=feature.title, scopes=list(feature.scopes))
            for name, feature in facts.features.items()
        ],
        scopes=[
            ScopeView(name=name, title=scope.title, kind=scope.kind)
            for name, scope in facts.scopes.items()
        ],
        entry=None if entry is None else entry.model_dump(mode="json", by_alias=True),
    )


async def _configs(
    work: Work, records: Mapping[str, ClientRecord], *, shipped: Iterable[str]
) -> dict[str, Mapping[str, Any]]:
    """Return the configuration of every provider a tenant could name."""
    configs: dict[str, Mapping[str, Any]] = {name: {} for name in shipped}
    for entry in await list_entries(work):
        configs[entry.id] = {"entry" if entry.kind == "own" else "override": entry.document}
    configs |= {name: record.config for name, record in records.items()}
    return configs


def _common(
    name: str,
    providers: Providers,
    *,
    config: Mapping[str, Any],
    record: ClientRecord | None,
) -> dict[str, Any]:
    """Return what every view of a provider has; nothing if there is none of this name."""
    found = providers.find_complete(name, config)
    lacks = providers.lacks(name, config)
    if found is None and not lacks:
        return {}
    trouble = None if record is None else trouble_of(record)
    return {
        "id": name,
        "source": _source(name, providers, config),
        "overridden": "override" in config,
        "client": None if record is None else _client(record),
        "lacks": lacks or ("" if trouble is None else trouble.public),
        **(_unknown(name, config) if found is None else _known(found)),
    }


def _known(found: Provider) -> dict[str, Any]:
    takes = found.entry.client_keys if isinstance(found, CatalogueProvider) else ("secret",)
    return {
        "title": found.title,
        "signs_in": found.signs_in,
        "connects": bool(found.facts.features),
        "takes": list(takes) if not isinstance(found, KeyProvider) else [],
        "credentials": list(ways_at(found).by_kind),
    }


def _unknown(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return that nothing can be done at a provider whose configuration is incomplete."""
    title = str((config.get("entry") or {}).get("title") or name.capitalize())
    nothing: dict[str, Any] = {"signs_in": False, "connects": False, "takes": [], "credentials": []}
    return {"title": title, **nothing}


def _source(name: str, providers: Providers, config: Mapping[str, Any]) -> Source:
    if config.get("entry"):
        return "own"
    if config.get("issuer"):
        return "issuer"
    return "shipped" if name in providers.entries else "plugin"


def _client(record: ClientRecord) -> ClientView:
    config = record.config
    return ClientView(
        client_id=record.client_id,
        state=record.state,
        incident=record.incident,
        issuer=str(config.get("issuer") or ""),
        values=dict(config.get("values") or {}),
        allowed_tenants=list(config.get("allowed_tenants") or ()),
        secrets=[_secret(each) for each in record.credentials],
    )


def _secret(credential: SealedCredential) -> SecretView:
    """Return a secret or key by its name."""
    return SecretView(
        id=credential.id,
        kind=credential.kind,
        created_at=credential.created_at,
        expires_at=credential.expires_at,
        key_id=str(credential.detail.get("kid", "")),
        certificate=str(credential.detail.get("certificate", "")),
    )
