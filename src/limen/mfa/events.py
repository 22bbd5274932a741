"""What happens to second factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from limen.kernel.events import Event, Outcome

Method = Literal["totp", "recovery_code"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorEnrolled(Event):
    """A person has a second factor."""

    name: ClassVar[str] = "account:factor:enrolled"
    user_id: str
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorProven(Event):
    """A person proved a second factor."""

    name: ClassVar[str] = "account:factor:proven"
    user_id: str
    method: Method


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorRefused(Event):
    """A code was wrong, or had been used before."""

    name: ClassVar[str] = "account:factor:refused"
    outcome: ClassVar[Outcome] = "denied"
    user_id: str
    method: Method


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorsRemoved(Event):
    """A person has no second factor any more; ``how`` says who took them away."""

    name: ClassVar[str] = "account:factor:removed"
    user_id: str
    how: Literal["person", "administrator", "account"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCodesReplaced(Event):
    """A person has new recovery codes; the old ones are dead."""

    name: ClassVar[str] = "account:recovery_codes:replaced"
    user_id: str
