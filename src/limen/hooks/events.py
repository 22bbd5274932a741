"""What happens to hooks, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class HookAdded(Event):
    """An address will be asked from now on."""

    name: ClassVar[str] = "hooks:hook:added"
    hook_id: str
    point: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HookRemoved(Event):
    """An address will not be asked any more."""

    name: ClassVar[str] = "hooks:hook:removed"
    hook_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HookRefused(Event):
    """A hook said no."""

    name: ClassVar[str] = "hooks:answer:refused"
    outcome: ClassVar[Outcome] = "denied"
    hook_id: str
    point: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HookFailed(Event):
    """A hook gave no answer that counts; ``went_on`` says whether that was good enough."""

    name: ClassVar[str] = "hooks:answer:failed"
    outcome: ClassVar[Outcome] = "denied"
    hook_id: str
    point: str
    went_on: bool
