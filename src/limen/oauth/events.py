"""What happens at the authorization server, told in the past tense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientRegistered(Event):
    """A client exists."""

    name: ClassVar[str] = "oauth:client:registered"
    client_id: str
    client_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientUpdated(Event):
    """A client's registration was changed; ``members`` names what."""

    name: ClassVar[str] = "oauth:client:updated"
    client_id: str
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientSecretRotated(Event):
    """A client has a new secret beside its old one."""

    name: ClassVar[str] = "oauth:client_secret:rotated"
    client_id: str
    secret_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientDisabled(Event):
    """A client may do nothing any more; its tokens are dead."""

    name: ClassVar[str] = "oauth:client:disabled"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientDeleted(Event):
    """A client and all that it registered are gone; its tokens are dead."""

    name: ClassVar[str] = "oauth:client:deleted"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationRefused(Event):
    """Somebody tried to register or to manage a client and may not; ``reason`` says why."""

    name: ClassVar[str] = "oauth:registration:refused"
    outcome: ClassVar[Outcome] = "denied"
    client_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InitialTokenCreated(Event):
    """Somebody was given leave to register clients, so many times."""

    name: ClassVar[str] = "oauth:initial_token:created"
    token_id: str
    uses: int


@dataclass(frozen=True, kw_only=True, slots=True)
class InitialTokenRevoked(Event):
    """The leave to register clients was taken back."""

    name: ClassVar[str] = "oauth:initial_token:revoked"
    token_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientEnabled(Event):
    """A client may act again."""

    name: ClassVar[str] = "oauth:client:enabled"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAccountCreated(Event):
    """A client is a service account."""

    name: ClassVar[str] = "oauth:service_account:created"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAccountChanged(Event):
    """A service account has another description or another end."""

    name: ClassVar[str] = "oauth:service_account:changed"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAccountCredentialAdded(Event):
    """A service account has one more secret or public key."""

    name: ClassVar[str] = "oauth:service_account_credential:added"
    client_id: str
    kind: str
    credential_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAccountCredentialRemoved(Event):
    """A service account lost a secret or a public key."""

    name: ClassVar[str] = "oauth:service_account_credential:removed"
    client_id: str
    kind: str
    credential_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientBound(Event):
    """A client is the own one of these APIs, and of no others."""

    name: ClassVar[str] = "oauth:client:bound"
    client_id: str
    resources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceCreated(Event):
    """Tokens can be asked for one more API."""

    name: ClassVar[str] = "oauth:resource:created"
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceUpdated(Event):
    """An API changed; ``changed`` names what."""

    name: ClassVar[str] = "oauth:resource:updated"
    resource: str
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceDisabled(Event):
    """No more tokens are issued for an API."""

    name: ClassVar[str] = "oauth:resource:disabled"
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceEnabled(Event):
    """Tokens are issued for an API again."""

    name: ClassVar[str] = "oauth:resource:enabled"
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeIssued(Event):
    """A client was sent an authorization code for a user."""

    name: ClassVar[str] = "oauth:code:issued"
    client_id: str
    user_id: str
    grant_id: str
    scope: tuple[str, ...]
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeReplayed(Event):
    """A code came a second time; what was issued from it has ended."""

    name: ClassVar[str] = "oauth:code:replayed"
    outcome: ClassVar[Outcome] = "denied"
    client_id: str
    grant_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationPushed(Event):
    """A client pushed a request that passed every check."""

    name: ClassVar[str] = "oauth:authorization:pushed"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationRefused(Event):
    """An authorization request ended in an error; ``reason`` is its code."""

    name: ClassVar[str] = "oauth:authorization:refused"
    outcome: ClassVar[Outcome] = "denied"
    client_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentGranted(Event):
    """A user agreed that a client may have a scope at a resource."""

    name: ClassVar[str] = "oauth:consent:granted"
    user_id: str
    client_id: str
    resource: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentWithdrawn(Event):
    """A user took an agreement back; the client's tokens are dead."""

    name: ClassVar[str] = "oauth:consent:withdrawn"
    user_id: str
    client_id: str
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientRefused(Event):
    """Somebody claimed to be a client and did not prove it."""

    name: ClassVar[str] = "oauth:client:refused"
    outcome: ClassVar[Outcome] = "denied"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRefused(Event):
    """An authenticated client was refused a token; ``reason`` is the error code."""

    name: ClassVar[str] = "oauth:token:refused"
    outcome: ClassVar[Outcome] = "denied"
    client_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LogoutNotified(Event):
    """A client's server confirmed that it knows of the end of a session."""

    name: ClassVar[str] = "oauth:logout:notified"
    client_id: str
    session_id: str
