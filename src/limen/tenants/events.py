"""What happens to tenants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantCreated(Event):
    """A tenant came to be, with its keys; what it needs of other capabilities reacts to this."""

    name: ClassVar[str] = "tenant:tenant:created"
    slug: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantPolicyChanged(Event):
    """A tenant's policy changed; ``members`` names what did."""

    name: ClassVar[str] = "tenant:policy:changed"
    members: tuple[str, ...]
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantSuspended(Event):
    """A tenant answers nobody from now on; what it holds is kept."""

    name: ClassVar[str] = "tenant:tenant:suspended"
    slug: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantResumed(Event):
    """A suspended tenant answers again."""

    name: ClassVar[str] = "tenant:tenant:resumed"
    slug: str
