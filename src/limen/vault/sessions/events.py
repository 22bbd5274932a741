"""What happens to connect sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectSessionMade(Event):
    """Somebody was given a link at which a person connects an account."""

    name: ClassVar[str] = "connection:session:made"
    connect_session_id: str
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectSessionRefused(Event):
    """A connect session ended without a connection."""

    name: ClassVar[str] = "connection:session:refused"
    outcome: ClassVar[Outcome] = "denied"
    connect_session_id: str
    provider: str
    reason: str
