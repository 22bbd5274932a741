"""What became of a refresh."""

from __future__ import annotations

from dataclasses import dataclass

from limen.vault.model import GrantState


@dataclass(frozen=True, slots=True)
class Moved:
    """The grant has newer tokens, ours or another's."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else holds the lease, or was faster."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing changed but the time of the next attempt.

    Args:
        reason: Stable, for the caller and the log.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The grant gives no more tokens by itself."""

    state: GrantState
    reason: str


Outcome = Moved | Busy | Postponed | Ended
