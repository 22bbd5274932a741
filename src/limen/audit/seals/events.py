"""What happens to the audit log itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainBroken(Event):
    """The chain's end did not fit when the next events were sealed; ``segment`` says so itself."""

    name: ClassVar[str] = "tenant:audit:broken"
    segment: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventsDropped(Event):
    """Segments that are kept no longer were dropped, with all events up to this number."""

    name: ClassVar[str] = "tenant:audit:dropped"
    segment: int
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditKeyRotated(Event):
    """Another key signs the audit log's seals from now on."""

    name: ClassVar[str] = "tenant:audit_key:rotated"
    kid: str
    retired_kid: str
