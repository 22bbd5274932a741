"""The garbage collector rests while a process imports, and never looks at what that made."""

from __future__ import annotations

import gc


def rest() -> None:
    """Let it rest: nothing made while importing is garbage, and looking costs a fifth of it."""
    gc.disable()


def wake() -> None:
    """Let it work again, on what is made from now on; for processes that live long."""
    gc.collect()
    gc.freeze()
    gc.enable()
