"""What happens to invitations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationSent(Event):
    """Somebody was asked by mail to open an account; ``again`` if not for the first time."""

    name: ClassVar[str] = "access:invitation:sent"
    invitation_id: str
    role: str
    again: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationAccepted(Event):
    """Whoever was invited has an account; ``by``: a password, a session, or a provider."""

    name: ClassVar[str] = "access:invitation:accepted"
    invitation_id: str
    user_id: str
    role: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationRevoked(Event):
    """An invitation was taken back."""

    name: ClassVar[str] = "access:invitation:revoked"
    invitation_id: str
