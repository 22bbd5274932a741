"""What happens to sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStarted(Event):
    """Someone signed in."""

    name: ClassVar[str] = "account:session:started"
    by_user: ClassVar[bool] = True
    user_id: str
    session_id: str
    kind: str
    amr: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionElevated(Event):
    """Someone signed in proved again, or better, who they are."""

    name: ClassVar[str] = "account:session:elevated"
    user_id: str
    session_id: str
    amr: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEnded(Event):
    """A session ended before its time; ``reason`` says why."""

    name: ClassVar[str] = "account:session:ended"
    user_id: str
    session_id: str
    reason: str
