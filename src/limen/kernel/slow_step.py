"""Slow steps and the transactions they must not run in.

An outbound call, a password hash and a mail take milliseconds to seconds; inside an open
transaction they hold the database's write lock for as long (DESIGN rule 1). Whoever opens
transactions tells here when one is open; whoever is slow asks here before starting.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final, TypeAlias

_Held: TypeAlias = tuple[Callable[[], bool], ...]
Mark: TypeAlias = Token[_Held]

_HELD: Final[ContextVar[_Held]] = ContextVar("held", default=())


class SlowStepInTransactionError(RuntimeError):
    """A slow step was about to start while a transaction was open: a defect, never input."""


def forbid_while(is_open: Callable[[], bool]) -> Mark:
    """Forbid slow steps in this context, and in tasks begun in it, while ``is_open()`` is true.

    Returns:
        What ``allow`` takes; call it in the same context.
    """
    return _HELD.set((*_HELD.get(), is_open))


def allow(mark: Mark) -> None:
    """Take back what ``forbid_while`` said."""
    _HELD.reset(mark)


def entering(kind: str) -> None:
    """Say that a slow step begins here.

    Args:
        kind: What it is, for the defect's text: ``outbound call``, ``hash``, ``mail``.

    Raises:
        SlowStepInTransactionError: If a transaction is open; let it go, or commit, first.
    """
    if any(is_open() for is_open in _HELD.get()):
        raise SlowStepInTransactionError(f"{kind} inside an open transaction")
