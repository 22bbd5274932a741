"""What happens to roles, and who wanted what their roles or their token do not cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from limen.kernel.events import Event, Outcome


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


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionRefused(Event):
    """Somebody known may not do this; ``reason`` says whether roles or the token lack it."""

    name: ClassVar[str] = "access:permission:refused"
    outcome: ClassVar[Outcome] = "denied"
    permission: str
    reason: Literal["roles", "token"]
