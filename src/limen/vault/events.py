"""What happens to connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected(Event):
    """A user connected an account, for the first time or again.

    Attributes:
        connect_session_id: The session it was begun with, if it was begun elsewhere.
    """

    name: ClassVar[str] = "connection:account:connected"
    connection_id: str
    grant_id: str
    provider: str
    scopes: tuple[str, ...]
    again: bool
    connect_session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionImported(Event):
    """A connection was made, or given other tokens, of what another application held.

    Attributes:
        proof: What the provider was shown: ``access_token`` or ``refresh``; empty for an
            account that the same tokens had connected before.
    """

    name: ClassVar[str] = "connection:account:imported"
    connection_id: str
    grant_id: str
    provider: str
    user_id: str
    scopes: tuple[str, ...]
    proof: str
    again: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionWrittenOut(Event):
    """An operator took a connection along to another application."""

    name: ClassVar[str] = "connection:account:exported"
    connection_id: str
    grant_id: str
    provider: str
    user_id: str
    with_secrets: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialGiven(Event):
    """Somebody gave a credential of theirs, which its provider took."""

    name: ClassVar[str] = "connection:credential:given"
    connection_id: str
    grant_id: str
    provider: str
    kind: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialNotTaken(Event):
    """Somebody gave a credential that its provider refused; nothing of it was kept.

    Attributes:
        connection_id: Of the connection it was to stand in; empty for a new one.
    """

    name: ClassVar[str] = "connection:credential:not_taken"
    outcome: ClassVar[Outcome] = "denied"
    provider: str
    kind: str
    connection_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialRotated(Event):
    """A credential took the place of the one before."""

    name: ClassVar[str] = "connection:credential:rotated"
    connection_id: str
    grant_id: str
    provider: str
    kind: str
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialVerified(Event):
    """A provider was asked about a credential at somebody's wish; ``taken``: what it said."""

    name: ClassVar[str] = "connection:credential:verified"
    connection_id: str
    grant_id: str
    provider: str
    kind: str
    taken: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountMismatched(Event):
    """Somebody tried to renew a connection with another external account."""

    name: ClassVar[str] = "connection:account:mismatched"
    outcome: ClassVar[Outcome] = "denied"
    connection_id: str
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Disconnected(Event):
    """A user ended a connection.

    Attributes:
        revoked: Whether the grant ends with it; others may still stand on it.
    """

    name: ClassVar[str] = "connection:account:disconnected"
    connection_id: str
    grant_id: str
    provider: str
    revoked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionAnnotated(Event):
    """An owner changed a connection's name, tags or metadata."""

    name: ClassVar[str] = "connection:account:annotated"
    connection_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureActivated(Event):
    """A feature is switched on over a connection."""

    name: ClassVar[str] = "connection:feature:activated"
    connection_id: str
    feature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDenied(Event):
    """A person did not give what a feature needs."""

    name: ClassVar[str] = "connection:feature:denied"
    connection_id: str
    feature: str
    missing_scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDeactivated(Event):
    """A feature is switched off over a connection."""

    name: ClassVar[str] = "connection:feature:deactivated"
    connection_id: str
    feature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDeclared(Event):
    """A feature of the tenant's own exists at a provider, new or changed."""

    name: ClassVar[str] = "provider:feature:declared"
    provider: str
    feature: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureUndeclared(Event):
    """A feature of the tenant's own is offered no more."""

    name: ClassVar[str] = "provider:feature:undeclared"
    provider: str
    feature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionShared(Event):
    """An owner agreed that a client uses a connection, for these features and no others.

    Attributes:
        mode: ``raw``: it may be given tokens; ``proxy``: it has them used for it.
        sharing_request_id: The app's request that they answered with it, if it asked.
    """

    name: ClassVar[str] = "connection:consent:given"
    connection_id: str
    client_id: str
    features: tuple[str, ...]
    mode: str
    sharing_request_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionUnshared(Event):
    """An owner took back what they had agreed to."""

    name: ClassVar[str] = "connection:consent:withdrawn"
    connection_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleasePolicySet(Event):
    """An administrator said what a client may do with connections that are shared with it."""

    name: ClassVar[str] = "connection:release_policy:set"
    client_id: str
    mode: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonErased(Event):
    """All that was kept about a person's connections was deleted; ``connections``: how many."""

    name: ClassVar[str] = "connection:person:erased"
    user_id: str
    erasure_id: str
    connections: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionsExported(Event):
    """A person was given all that is kept about their connections."""

    name: ClassVar[str] = "connection:person:exported"
    user_id: str
    with_secrets: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenReleased(Event):
    """A reader was given a generation of an access token for the first time.

    ``resource`` is what the token is for; empty for the provider's default.
    """

    name: ClassVar[str] = "connection:token:released"
    connection_id: str
    grant_id: str
    reader: str
    generation: int
    resource: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionUsed(Event):
    """A call was sent by the proxy; ``units`` is what the provider counts it as."""

    name: ClassVar[str] = "connection:api:called"
    connection_id: str
    grant_id: str
    reader: str
    method: str
    host: str
    units: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamTokenRefreshed(Event):
    """A grant has new tokens."""

    name: ClassVar[str] = "connection:token:refreshed"
    grant_id: str
    provider: str
    generation: int
    rotated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceTokenFetched(Event):
    """A grant has an access token for another of its provider's resources."""

    name: ClassVar[str] = "connection:resource_token:fetched"
    grant_id: str
    provider: str
    resource: str
    generation: int
    rotated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantUncertain(Event):
    """A refresh token was sent and its answer lost: nobody knows whether it was spent."""

    name: ClassVar[str] = "connection:grant:uncertain"
    grant_id: str
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshFailing(Event):
    """A grant could not be refreshed several times in a row, for no reason that ends it.

    Told once, until it works again.
    """

    name: ClassVar[str] = "connection:grant:failing"
    outcome: ClassVar[Outcome] = "denied"
    grant_id: str
    provider: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReauthRequired(Event):
    """A grant gives no more tokens until its person connects again."""

    name: ClassVar[str] = "connection:grant:reauth_required"
    grant_id: str
    provider: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopesChanged(Event):
    """A provider gave more or less at a refresh than it had before."""

    name: ClassVar[str] = "connection:grant:scopes_changed"
    grant_id: str
    provider: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantReinstated(Event):
    """An end is undone: it was the provider's trouble, or a lost answer came after all."""

    name: ClassVar[str] = "connection:grant:reinstated"
    grant_id: str
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconnectDue(Event):
    """A grant ends soon unless its person connects again; ``days_left`` is rounded down."""

    name: ClassVar[str] = "connection:grant:reconnect_due"
    grant_id: str
    provider: str
    reconnect_by: str
    days_left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamRevoked(Event):
    """A provider confirmed that our tokens are dead, or there was nobody to ask."""

    name: ClassVar[str] = "connection:grant:revoked"
    grant_id: str
    provider: str
    receipt: str
