"""What happens to webhook endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointAdded(Event):
    """An address will be told from now on."""

    name: ClassVar[str] = "webhooks:endpoint:added"
    endpoint_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointChanged(Event):
    """What an address is told, or where it is, was changed."""

    name: ClassVar[str] = "webhooks:endpoint:changed"
    endpoint_id: str
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointRemoved(Event):
    """An address is told no more."""

    name: ClassVar[str] = "webhooks:endpoint:removed"
    endpoint_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointSecretRotated(Event):
    """An endpoint has a new secret; the old one signs beside it for a while."""

    name: ClassVar[str] = "webhooks:secret:rotated"
    endpoint_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointGivenUp(Event):
    """An endpoint failed for days and was turned off."""

    name: ClassVar[str] = "webhooks:endpoint:given_up"
    endpoint_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageReplayed(Event):
    """An operator had a message sent again."""

    name: ClassVar[str] = "webhooks:message:replayed"
    endpoint_id: str
    message_id: str
