"""What providers registered us as, per tenant: sealed secrets, set by an operator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.federation import store
from limen.federation.clients.credentials import ClientAtProvider, Credential, SharedSecret
from limen.federation.events import ProviderSwitched, UpstreamClientSet
from limen.federation.store import ClientRecord, ClientState
from limen.kernel.errors import InvalidInput, NotFound, NotPermitted
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_MAX_CLIENT_ID_CHARS: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamClient:
    """Our client at a provider, ready to be used.

    Args:
        provider: The provider's id in this tenant.
        at_provider: Id and secrets.
        config: For providers that are known by configuration alone.
        is_blocked: The provider asked us to wait, or refuses us, just now.
        incident: Why it refuses us as a whole; empty while it does not.
    """

    provider: str
    at_provider: ClientAtProvider
    config: Mapping[str, Any] = field(default_factory=dict)
    is_blocked: bool = False
    incident: str = ""

    @property
    def refreshes_per_second(self) -> float:
        """How often tokens may be refreshed there; 0 for no limit of ours."""
        told = self.config.get("refreshes_per_second", 0.0)
        return float(told) if isinstance(told, int | float) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpstreamClient:
    """What an operator says of a provider.

    Args:
        provider: Lower-case letters, digits, hyphens.
        issuer: For an OpenID provider that is not built in.
        scopes: To ask at sign-in, for such a provider.
        connect_scopes: To ask when connecting, for such a provider.
    """

    provider: str
    client_id: str
    raw_secret: Secret[str]
    issuer: str = ""
    title: str = ""
    scopes: tuple[str, ...] = ()
    connect_scopes: tuple[str, ...] = ()


async def set_upstream_client(work: Work, envelope: Envelope, *, new: NewUpstreamClient) -> None:
    """Store what a provider registered us as; replaces what was stored before.

    Raises:
        InvalidInput: A member is not acceptable.
    """
    _check(new)
    config: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name in ("issuer", "title", "scopes", "connect_scopes")
        if (value := getattr(new, name))
    }
    await store.put_client(work, provider=new.provider, client_id=new.client_id, config=config)
    secret_id = new_id(work.now)
    sealed = await envelope.seal(
        work, _place(new.provider, secret_id), new.raw_secret.reveal().encode()
    )
    await store.replace_secrets(work, provider=new.provider, secret_id=secret_id, sealed=sealed)
    await work.record(UpstreamClientSet(provider=new.provider, client_id=new.client_id))


async def seed_upstream_client(work: Work, envelope: Envelope, *, new: NewUpstreamClient) -> bool:
    """Store a client given by the environment, unless it is what we have; say whether it was."""
    record = await store.find_client(work, new.provider)
    if record is not None and record.client_id == new.client_id and not record.config:
        held = (await _opened(work, envelope, record)).at_provider.credentials
        if held and held[0] == SharedSecret(raw=new.raw_secret):
            return False
    await set_upstream_client(work, envelope, new=new)
    return True


async def get_upstream_client(
    work: Work, envelope: Envelope, *, provider: str, even_disabled: bool = False
) -> UpstreamClient:
    """Return our client at an enabled provider.

    Args:
        work: Says the tenant.
        envelope: Opens the secrets.
        provider: Its id.
        even_disabled: For revoking what a switched-off provider gave.

    Raises:
        NotFound: ``provider_unknown``: not configured in this tenant.
        NotPermitted: ``provider_disabled``, whichever way in is tried (N126).
    """
    record = await store.find_client(work, provider)
    if record is None:
        raise NotFound("provider_unknown", "There is no such provider here.")
    if record.state != "enabled" and not even_disabled:
        raise NotPermitted("provider_disabled", "This provider is switched off.")
    return await _opened(work, envelope, record)


async def list_upstream_clients(work: Work) -> list[ClientRecord]:
    """Return the tenant's providers; secrets stay sealed."""
    return await store.list_clients(work)


async def switch_provider(work: Work, *, provider: str, state: ClientState) -> None:
    """Enable or disable a provider for the tenant.

    Raises:
        NotFound: ``provider_unknown``.
    """
    if not await store.set_state(work, provider=provider, state=state):
        raise NotFound("provider_unknown", "There is no such provider here.")
    await work.record(ProviderSwitched(provider=provider, state=state))


async def _opened(work: Work, envelope: Envelope, record: ClientRecord) -> UpstreamClient:
    credentials: list[Credential] = []
    for secret_id, sealed in record.sealed_secrets:
        raw = await envelope.open(work, _place(record.provider, secret_id), sealed)
        credentials.append(SharedSecret(raw=Secret(raw.reveal().decode())))
    at_provider = ClientAtProvider(
        client_id=record.client_id, credentials=tuple(credentials), read_at=work.now
    )
    return UpstreamClient(
        provider=record.provider,
        at_provider=at_provider,
        config=record.config,
        is_blocked=record.is_blocked,
        incident=record.incident,
    )


def _place(provider: str, secret_id: str) -> Place:
    return Place("upstream_client_secret", f"{provider}/{secret_id}", "secret")


def _check(new: NewUpstreamClient) -> None:
    if not _ID.fullmatch(new.provider):
        text = "A provider's id is lower-case letters, digits and hyphens."
        raise InvalidInput("provider_invalid", text, field="provider")
    if not 0 < len(new.client_id) <= _MAX_CLIENT_ID_CHARS or not new.client_id.isprintable():
        raise InvalidInput("client_id_invalid", "The client id can't be read.", field="client_id")
    if not new.raw_secret:
        text = "A client secret is needed."
        raise InvalidInput("client_secret_missing", text, field="client_secret")
    if new.issuer:
        _check_issuer(new.issuer)


def _check_issuer(issuer: str) -> None:
    """Look at the form alone; ``net`` decides at each request where it may go (N213)."""
    parts = urlsplit(issuer)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not plain:
        text = "An issuer is an https URL without query or fragment."
        raise InvalidInput("issuer_invalid", text, field="issuer")
