"""What happens to requests of apps to share a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class SharingAsked(Event):
    """An app was given a link at which a person is asked to share a connection with it."""

    name: ClassVar[str] = "connection:sharing:asked"
    sharing_request_id: str
    client_id: str
    provider: str
    features: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SharingRefused(Event):
    """A person said no to an app that asked."""

    name: ClassVar[str] = "connection:sharing:refused"
    outcome: ClassVar[Outcome] = "denied"
    sharing_request_id: str
    client_id: str
    provider: str
    reason: str
