"""What happens to deliveries that were given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxRetried(Event):
    """An operator had deliveries tried again that were given up; ``kinds`` is of those."""

    name: ClassVar[str] = "tenant:outbox:retried"
    count: int
    kinds: tuple[str, ...]
