"""A tenant's own providers, and what it says differently of shipped ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.federation import store as clients
from limen.federation.catalogue.addresses import placeholders
from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.key_entry import KeyEntry
from limen.federation.catalogue.key_provider import KeyProvider, ways_at
from limen.federation.clients import store
from limen.federation.clients.credentials import SharedSecret
from limen.federation.clients.record import ClientRecord
from limen.federation.clients.sealed import NewCredential, add_credential
from limen.federation.clients.store import EntryRecord
from limen.federation.events import ProviderDescribed
from limen.federation.provider import Provider
from limen.federation.registry import Providers, hosts_of, read_override, read_own_entry
from limen.federation.upstream_clients import NewUpstreamClient, get_upstream_client
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.net import Net

_MOST: Final = 200
EntryKind = Literal["own", "override"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A provider as a tenant describes it.

    Args:
        id: As in its entry.
        document: Of the schema of a catalogue entry, or of an override.
    """

    id: str
    document: Mapping[str, Any]


async def put_own_entry(
    work: Work, *, net: Net, providers: Providers, described: Described
) -> Entry | KeyEntry:
    """Describe a provider that does not ship; replaces what was said before.

    Its addresses are looked at as every address that is saved here. A client that was set for
    other hosts is refused from now on until it is set again, secret and all.

    Raises:
        InvalidInput: ``provider_entry``, ``provider_address``, ``url_not_allowed``.
        Conflict: ``provider_id_taken``: a shipped or plugged-in provider, or a client of an
            issuer, has this name; ``too_many_providers``; ``provider_client_unfit``: the client
            that is set and enabled does not say what the entry wants: names it.
    """
    entry = read_own_entry(described.document)
    if entry.id != described.id:
        text = "The entry's id is another one than the path's."
        raise InvalidInput("provider_entry", text, field="entry/id")
    if entry.id in providers.ids:
        raise Conflict("provider_id_taken", "A provider of this name ships: choose another name.")
    _check_addresses(net, entry)
    await _check_client(work, described, entry)
    found = await store.list_entries(work)
    if len(found) >= _MOST and all(record.id != entry.id for record in found):
        raise Conflict("too_many_providers", f"A tenant describes {_MOST} providers at most.")
    await _put(work, described, kind="own")
    return entry


async def put_override(work: Work, *, providers: Providers, described: Described) -> Entry:
    """Say something differently of a shipped provider; never where anything is sent.

    Raises:
        NotFound: ``provider_unknown``: none such ships.
        InvalidInput: ``provider_entry``.
    """
    shipped = providers.entries.get(described.id)
    if shipped is None:
        raise NotFound("provider_unknown", "No such provider ships.")
    changed = read_override(described.document, shipped)
    await _put(work, described, kind="override")
    return changed


async def check_new_client(
    work: Work, *, net: Net, providers: Providers, new: NewUpstreamClient
) -> None:
    """Refuse a client that no provider here could use, before its secret is kept.

    Raises:
        NotFound: ``provider_unknown``: it neither ships nor is described nor names an issuer.
        InvalidInput: ``provider_address``, ``url_not_allowed``; ``client_key_invalid``: the
            provider takes no such proof of who we are.
    """
    if new.issuer:
        net.check_url(new.issuer, field="issuer")
    entry = await store.find_entry(work, new.provider)
    config: dict[str, Any] = dict(new.config)
    if entry is not None:
        config["entry" if entry.kind == "own" else "override"] = entry.document
    found = providers.find(new.provider, config)
    if found is None:
        raise NotFound("provider_unknown", "No such provider ships or is described here.")
    if new.credentials_only:
        if not ways_at(found).by_kind:
            text = "This provider takes no credentials of people's own."
            raise InvalidInput("credential_kind_unknown", text, field="credentials_only")
        return
    check_kind(found, new.first_credential)


async def add_secret(
    work: Work,
    envelope: Envelope,
    *,
    providers: Providers,
    provider: str,
    new: NewCredential,
) -> str:
    """Add a secret or key to a client that is set; return its id.

    Raises:
        NotFound: ``provider_unknown``.
        NotPermitted: ``provider_client_unbound``: its addresses changed, so that the client
            has to be set again.
        InvalidInput, Conflict: As ``add_credential``; ``client_key_invalid``.
    """
    client = await get_upstream_client(work, envelope, provider=provider, even_disabled=True)
    found = providers.find(provider, client.config)
    if found is None:
        raise NotFound("provider_unknown", "There is no such provider here.")
    check_kind(found, new)
    return await add_credential(work, envelope, provider=provider, new=new)


def check_kind(provider: Provider, new: NewCredential) -> None:
    """Refuse a proof of who we are that a provider does not take."""
    if isinstance(provider, KeyProvider):
        text = "This provider knows no client of ours: set it with credentials_only."
        raise InvalidInput("client_key_invalid", text, field="credentials_only")
    credential = new.credential
    kind = "secret" if isinstance(credential, SharedSecret) else credential.kind
    taken = provider.entry.client_keys if isinstance(provider, CatalogueProvider) else ("secret",)
    if kind not in taken:
        text = f"This provider takes: {', '.join(taken)}."
        raise InvalidInput("client_key_invalid", text, field="key")


async def drop_entry(work: Work, *, entry_id: str, kind: EntryKind) -> None:
    """Forget an own provider or an override.

    Raises:
        NotFound: ``provider_unknown``.
        Conflict: ``provider_in_use``: a client of it is enabled, and would lose its addresses.
    """
    client = await clients.find_client(work, entry_id) if kind == "own" else None
    if client is not None and client.bound_to is not None and client.state == "enabled":
        raise Conflict("provider_in_use", "This provider is enabled: switch it off first.")
    if not await store.drop_entry(work, entry_id=entry_id, kind=kind):
        raise NotFound("provider_unknown", "There is nothing of this name.")
    await work.record(ProviderDescribed(provider=entry_id, kind=kind, change="deleted"))


async def list_entries(work: Work) -> list[EntryRecord]:
    """Return everything the tenant says of providers."""
    return await store.list_entries(work)


async def _put(work: Work, described: Described, *, kind: EntryKind) -> None:
    await store.put_entry(work, entry_id=described.id, kind=kind, document=described.document)
    await work.record(ProviderDescribed(provider=described.id, kind=kind, change="put"))


async def _check_client(work: Work, described: Described, entry: Entry | KeyEntry) -> None:
    """Look at the client that is set: it must not be an issuer's, and must fit if it is used.

    A client of an issuer must not become one of an entry: its secret is the issuer's. One that
    lacks what the entry wants would leave its connections without their provider.
    """
    client = await clients.find_client(work, entry.id)
    if client is None:
        return
    if client.bound_to is None:
        raise Conflict(
            "provider_id_taken", "A client of this name is set already: choose another name."
        )
    if client.state != "enabled":
        return
    lacks = _lacks(client, described, entry)
    if lacks:
        text = "Switch the provider off first, and set its client again: the one that is set"
        raise Conflict("provider_client_unfit", f"{text} does not fit. {lacks}")


def _lacks(client: ClientRecord, described: Described, entry: Entry | KeyEntry) -> str:
    """Return what keeps a client from being one of an entry, in words; empty for nothing."""
    try:
        hosts_of(described.document, client.config.get("values") or {})
    except InvalidInput as refused:
        return refused.public
    if not client.is_registered:
        return "" if entry.credentials else "This provider takes no credentials of people's own."
    if isinstance(entry, KeyEntry):
        return "This provider knows no client of ours: set it with credentials_only."
    if not {each.kind for each in client.credentials} & set(entry.client_keys):
        return f"This provider takes: {', '.join(entry.client_keys)}."
    return ""


def _check_addresses(net: Net, entry: Entry | KeyEntry) -> None:
    """Look at every address that stands fast; those with values are looked at when dialled."""
    theirs = entry.credentials.urls() if entry.credentials else ()
    for url in (*entry.urls(), *theirs):
        if not [name for name in placeholders(url) if name in entry.values]:
            bare = url.replace("{client_id}", "id").replace("{token}", "token")
            net.check_url(bare, field="entry")
    wanted = {name: value for name, value in entry.values.items() if not value.is_optional}
    defaults = {name: value.default for name, value in wanted.items()}
    if None not in defaults.values():
        hosts_of(entry.model_dump(mode="json", by_alias=True), {})
