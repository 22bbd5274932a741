"""What happens at the edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestForged(Event):
    """An unsafe request could not prove that our own page sent it."""

    name: ClassVar[str] = "request:form:forged"
    outcome: ClassVar[Outcome] = "denied"
    reason: str
