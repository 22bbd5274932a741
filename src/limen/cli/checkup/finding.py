"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's screen.

    Args:
        check: What was looked at.
        state: A problem keeps the server from starting or from being safe; a warning does not.
        text: What was found and what to do.
    """

    check: str
    state: State
    text: str


def ok(check: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(check, "ok", text)


def warning(check: str, text: str) -> Finding:
    """Return what works and should be otherwise."""
    return Finding(check, "warning", text)


def problem(check: str, text: str) -> Finding:
    """Return what has to change."""
    return Finding(check, "problem", text)
