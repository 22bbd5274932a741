"""What happens on the way in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInRefused(Event):
    """Someone did not get in; ``account`` is a keyed hash of the address they gave."""

    name: ClassVar[str] = "account:sign_in:refused"
    outcome: ClassVar[Outcome] = "denied"
    account: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptThrottled(Event):
    """An attempt at a secret came too soon and was not looked at."""

    name: ClassVar[str] = "account:attempt:throttled"
    outcome: ClassVar[Outcome] = "denied"
    account: str
