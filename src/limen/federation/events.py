"""What happens between us and providers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamClientSet(Event):
    """An operator told us what a provider registered us as."""

    name: ClassVar[str] = "provider:client:set"
    provider: str
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamSecretAdded(Event):
    """One of our clients has one more secret or key."""

    name: ClassVar[str] = "provider:secret:added"
    provider: str
    secret_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamSecretRetired(Event):
    """A secret or key of one of our clients is used no more."""

    name: ClassVar[str] = "provider:secret:retired"
    provider: str
    secret_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamSecretExpiring(Event):
    """A secret or key of ours ends soon: after that every refresh at the provider fails.

    Args:
        days: Within so many: 30, 7 or 1.
    """

    name: ClassVar[str] = "provider:secret:expiring"
    provider: str
    secret_id: str
    expires_at: str
    days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderDescribed(Event):
    """A tenant described a provider of its own, or said something differently of a shipped one.

    Args:
        kind: ``own`` or ``override``.
        change: ``put`` or ``deleted``.
    """

    name: ClassVar[str] = "provider:entry:changed"
    provider: str
    kind: str
    change: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSwitched(Event):
    """A provider was enabled or disabled for the tenant."""

    name: ClassVar[str] = "provider:client:switched"
    provider: str
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamClientFailing(Event):
    """A provider refuses us as a client: an incident of ours, and of no user."""

    name: ClassVar[str] = "provider:client:failing"
    outcome: ClassVar[Outcome] = "denied"
    provider: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamClientRecovered(Event):
    """A provider that failed us as a client answers again; ``reason`` is what had ailed."""

    name: ClassVar[str] = "provider:client:recovered"
    provider: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityLinked(Event):
    """An external identity now signs a user in."""

    name: ClassVar[str] = "account:identity:linked"
    user_id: str
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityUnlinked(Event):
    """An external identity signs a user in no more."""

    name: ClassVar[str] = "account:identity:unlinked"
    user_id: str
    provider: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityRefused(Event):
    """An external identity was not linked, or not let in; ``reason`` says why."""

    name: ClassVar[str] = "account:identity:refused"
    outcome: ClassVar[Outcome] = "denied"
    user_id: str
    provider: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderProfileChanged(Event):
    """A provider says something else of a person; ``members`` names what, not to what."""

    name: ClassVar[str] = "account:provider_profile:changed"
    user_id: str
    provider: str
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackRefused(Event):
    """A callback was not the answer to anything this browser asked, or a forged one."""

    name: ClassVar[str] = "provider:callback:refused"
    outcome: ClassVar[Outcome] = "denied"
    provider: str
    purpose: str
    reason: str
