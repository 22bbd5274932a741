"""What happens to roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleGranted(Event):
    """Somebody received a role."""

    name: ClassVar[str] = "access:role:granted"
    principal_id: str
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleRevoked(Event):
    """Somebody lost a role."""

    name: ClassVar[str] = "access:role:revoked"
    principal_id: str
    role: str
