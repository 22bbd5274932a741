"""What providers' own events lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderEventTaken(Event):
    """A provider told of accounts of its own; ``grants`` of ours ended with it."""

    name: ClassVar[str] = "provider:event:taken"
    provider: str
    reason: str
    grants: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PushSecretSet(Event):
    """An administrator told what a provider signs its events with."""

    name: ClassVar[str] = "provider:push_secret:set"
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PushSecretRetired(Event):
    """A provider's signing secret was forgotten: no event of it is believed."""

    name: ClassVar[str] = "provider:push_secret:retired"
    provider: str
