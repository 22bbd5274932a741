"""What happens to requests that are approved elsewhere, told in the past tense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalRequested(Event):
    """A client wants something approved on another screen; ``kind`` is device or ciba."""

    name: ClassVar[str] = "oauth:approval:requested"
    request_id: str
    kind: str
    client_id: str
    user_id: str | None
    scope: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalGiven(Event):
    """A person approved it."""

    name: ClassVar[str] = "oauth:approval:given"
    request_id: str
    kind: str
    client_id: str
    user_id: str
    scope: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalDenied(Event):
    """A person said no."""

    name: ClassVar[str] = "oauth:approval:denied"
    outcome: ClassVar[Outcome] = "denied"
    request_id: str
    kind: str
    client_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UserCodeMistaken(Event):
    """Somebody confirmed a device's code with another code: a sign of a link from a stranger."""

    name: ClassVar[str] = "oauth:user_code:mistaken"
    outcome: ClassVar[Outcome] = "denied"
    request_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientPinged(Event):
    """A client was told that a person has answered."""

    name: ClassVar[str] = "oauth:approval:pinged"
    request_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PingRefused(Event):
    """A client did not take the news, and is not told again; ``status`` is its HTTP answer."""

    name: ClassVar[str] = "oauth:approval:ping_refused"
    outcome: ClassVar[Outcome] = "denied"
    request_id: str
    client_id: str
    status: int
