"""What providers registered us as, per tenant: sealed secrets, set by an operator."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.federation import store
from limen.federation.clients import store as entries
from limen.federation.clients.credentials import ClientAtProvider, SharedSecret
from limen.federation.clients.record import ClientRecord, ClientState, SealedCredential
from limen.federation.clients.sealed import (
    NewCredential,
    check_credential,
    keep_credential,
    open_credentials,
)
from limen.federation.events import ProviderSwitched, UpstreamClientSet
from limen.federation.registry import hosts_of, incomplete
from limen.kernel.errors import InvalidInput, NotFound, NotPermitted
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
    def is_registered(self) -> bool:
        """Whether the provider knows us; without that it takes people's own credentials alone."""
        return bool(self.at_provider.client_id)

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
        raw_secret: The shared secret; or ``credential``, for a key.
        issuer: For an OpenID provider that is not built in.
        scopes: To ask at sign-in, for such a provider.
        connect_scopes: To ask when connecting, for such a provider.
        values: What completes a shipped entry's addresses: Microsoft's ``tenant``.
        allowed_tenants: Of Microsoft's shared endpoints only these.
        refreshes_per_second: How often tokens may be refreshed there; 0 for no limit of ours.
        credentials_only: We have no client there: people's own credentials are taken, and
            nobody is sent there to agree or to sign in.
    """

    provider: str
    client_id: str
    raw_secret: Secret[str] | None = None
    credential: NewCredential | None = None
    expires_at: dt.datetime | None = None
    issuer: str = ""
    title: str = ""
    scopes: tuple[str, ...] = ()
    connect_scopes: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    allowed_tenants: tuple[str, ...] = ()
    refreshes_per_second: float = 0.0
    credentials_only: bool = False

    @property
    def first_credential(self) -> NewCredential:
        """Whichever was given."""
        if self.credential is not None:
            return self.credential
        raw = self.raw_secret or Secret("")
        return NewCredential(credential=SharedSecret(raw=raw), expires_at=self.expires_at)

    @property
    def config(self) -> dict[str, Any]:
        """What is kept of it beside the secret."""
        told = {
            "issuer": self.issuer,
            "title": self.title,
            "scopes": list(self.scopes),
            "connect_scopes": list(self.connect_scopes),
            "values": dict(self.values),
            "allowed_tenants": list(self.allowed_tenants),
            "refreshes_per_second": self.refreshes_per_second,
        }
        return {name: value for name, value in told.items() if value}


async def set_upstream_client(work: Work, envelope: Envelope, *, new: NewUpstreamClient) -> None:
    """Store what a provider registered us as; replaces what was stored before.

    A new one is switched on; one that is switched off stays so, whatever is set of it. Its secret
    comes with its configuration, always: nobody changes where a secret goes who does not know it.
    A client of a tenant's own entry is bound to that entry's hosts.

    Raises:
        InvalidInput: A member is not acceptable.
    """
    _check(new)
    first = None if new.credentials_only else new.first_credential
    if first is not None:
        check_credential(first, now=work.now)
    entry = await entries.find_entry(work, new.provider)
    own = entry.document if entry is not None and entry.kind == "own" else None
    if own is not None and new.issuer:
        text = "This provider is described by an entry of its own: it has no issuer to ask."
        raise InvalidInput("issuer_invalid", text, field="issuer")
    bound_to = None if own is None else hosts_of(own, new.values)
    await store.put_client(
        work,
        provider=new.provider,
        client_id=new.client_id,
        config=new.config,
        bound_to=bound_to,
    )
    await entries.drop_credentials(work, provider=new.provider)
    if first is not None:
        await keep_credential(work, envelope, provider=new.provider, new=first)
    await work.record(UpstreamClientSet(provider=new.provider, client_id=new.client_id))


async def seed_upstream_client(work: Work, envelope: Envelope, *, new: NewUpstreamClient) -> bool:
    """Store a client given by the environment, unless it is what we have; say whether it was.

    What an operator set by other means is replaced, except where only more secrets were added.
    """
    record = await store.find_client(work, new.provider)
    if record is not None and record.client_id == new.client_id and record.bound_to is None:
        kept = {name: value for name, value in record.config.items() if name != "override"}
        held = await open_credentials(work, envelope, record)
        if kept == new.config and new.first_credential.credential in held:
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
        NotPermitted: ``provider_disabled``, whichever way in is tried (N126);
            ``provider_client_unbound``, ``provider_incomplete``: see ``trouble_of``.
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


async def list_credentials(work: Work, *, provider: str) -> tuple[SealedCredential, ...]:
    """Return a client's secrets and keys, sealed.

    Raises:
        NotFound: ``provider_unknown``.
    """
    record = await store.find_client(work, provider)
    if record is None:
        raise NotFound("provider_unknown", "There is no such provider here.")
    return record.credentials


async def switch_provider(work: Work, *, provider: str, state: ClientState) -> None:
    """Enable or disable a provider for the tenant.

    Raises:
        NotFound: ``provider_unknown``.
    """
    if not await store.set_state(work, provider=provider, state=state):
        raise NotFound("provider_unknown", "There is no such provider here.")
    await work.record(ProviderSwitched(provider=provider, state=state))


def trouble_of(record: ClientRecord) -> NotPermitted | None:
    """Return why a client can't be used until an operator sets it again; ``None`` if it can.

    A tenant's own entry may have been changed, or made where the client of a shipped provider
    stood: to send the client's secret to other hosts than it was given for, or to want what the
    client does not say.
    """
    own = record.config.get("entry")
    try:
        hosts = None if own is None else hosts_of(own, record.config.get("values") or {})
    except InvalidInput as lacks:
        return incomplete(lacks)
    bound = record.bound_to
    if hosts is None and bound is None:
        return None
    if hosts is None or bound is None or not set(hosts) <= set(bound):
        return NotPermitted(
            "provider_client_unbound",
            "This provider's addresses were changed: an operator has to set its client again.",
        )
    return None


async def _opened(work: Work, envelope: Envelope, record: ClientRecord) -> UpstreamClient:
    trouble = trouble_of(record)
    if trouble is not None:
        raise trouble
    at_provider = ClientAtProvider(
        client_id=record.client_id,
        credentials=await open_credentials(work, envelope, record),
        read_at=work.now,
    )
    return UpstreamClient(
        provider=record.provider,
        at_provider=at_provider,
        config=record.config,
        is_blocked=record.is_blocked,
        incident=record.incident,
    )


def _check(new: NewUpstreamClient) -> None:
    if not _ID.fullmatch(new.provider):
        text = "A provider's id is lower-case letters, digits and hyphens."
        raise InvalidInput("provider_invalid", text, field="provider")
    if new.credentials_only:
        if new.client_id or new.issuer or new.credential or new.raw_secret:
            text = "Without a client of ours there is no id, no issuer and no secret."
            raise InvalidInput("client_id_invalid", text, field="credentials_only")
        return
    if not 0 < len(new.client_id) <= _MAX_CLIENT_ID_CHARS or not new.client_id.isprintable():
        raise InvalidInput("client_id_invalid", "The client id can't be read.", field="client_id")
    if new.issuer:
        _check_issuer(new.issuer)


def _check_issuer(issuer: str) -> None:
    """Look at the form alone; ``net`` decides at each request where it may go (N213)."""
    try:
        parts = urlsplit(issuer)
    except ValueError:
        parts = urlsplit("")
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not plain:
        text = "An issuer is an https URL without query or fragment."
        raise InvalidInput("issuer_invalid", text, field="issuer")
