"""What happens to grants and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantStarted(Event):
    """A client received its first tokens for a person."""

    name: ClassVar[str] = "client:grant:started"
    grant_id: str
    client_id: str
    user_id: str
    session_id: str | None
    scope: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantEnded(Event):
    """A grant ended, and with it every token of it."""

    name: ClassVar[str] = "client:grant:ended"
    grant_id: str
    client_id: str
    user_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantsEnded(Event):
    """Everything of a user, a session, a client or a consent ended at once."""

    name: ClassVar[str] = "client:grants:ended"
    of: Literal["user", "session", "client", "consent"]
    of_id: str
    count: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnTokensEnded(Event):
    """All that a client got before now ended; ``count`` is of those that are listed."""

    name: ClassVar[str] = "client:own_tokens:ended"
    of_id: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TokensRefreshed(Event):
    """A refresh token was used."""

    name: ClassVar[str] = "client:tokens:refreshed"
    grant_id: str
    client_id: str
    user_id: str
    generation: int
    rotated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshGraceOpened(Event):
    """A rotated refresh token fetched the same successor again within the grace."""

    name: ClassVar[str] = "client:refresh_token:repeated"
    grant_id: str
    client_id: str
    user_id: str
    generation: int
    opening: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshReused(Event):
    """An old refresh token came back: one of two holders stole it. The grant has ended."""

    name: ClassVar[str] = "client:refresh_token:reused"
    outcome: ClassVar[Outcome] = "denied"
    grant_id: str
    client_id: str
    user_id: str
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRevoked(Event):
    """One access token ended before its time."""

    name: ClassVar[str] = "client:access_token:revoked"
    jti: str
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyCreated(Event):
    """Somebody has an API key more."""

    name: ClassVar[str] = "tokens:api_key:created"
    key_id: str
    owner_id: str
    scope: tuple[str, ...]
    audience: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyRotated(Event):
    """An API key was replaced by a new one with the same rights."""

    name: ClassVar[str] = "tokens:api_key:rotated"
    key_id: str
    owner_id: str
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyLimited(Event):
    """An API key lost scopes that its owner, or its API, has no more."""

    name: ClassVar[str] = "tokens:api_key:limited"
    key_id: str
    owner_id: str
    scope: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyRevoked(Event):
    """An API key ended before its time."""

    name: ClassVar[str] = "tokens:api_key:revoked"
    key_id: str
    owner_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeysRevoked(Event):
    """All API keys of somebody's ended at once."""

    name: ClassVar[str] = "tokens:api_keys:revoked"
    owner_id: str
    count: int
