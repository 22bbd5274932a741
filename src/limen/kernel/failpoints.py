"""Points where a fault test ends the process: nothing happens at them unless one is armed.

Only development arms any (``LIMEN_FAILPOINTS``), and hands in the action: the kernel ends no
process by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

_armed: dict[str, Callable[[], None]] = {}


def arm(names: Iterable[str], act: Callable[[], None]) -> None:
    """Do something whenever one of these points is reached.

    Args:
        names: ``vault.refresh.after_send``, say; others of earlier calls stay armed.
        act: Ends the process, raises, or counts.
    """
    for name in names:
        _armed[name] = act


def disarm() -> None:
    """Make all points harmless again."""
    _armed.clear()


def reach(name: str) -> None:
    """Pass this point, if it lets us."""
    act = _armed.get(name)
    if act is not None:
        act()


def reach_on(name: str, path: str) -> None:
    """Pass a point that every request passes; it is armed for one path, ``name path``."""
    if _armed:
        reach(f"{name} {path}")
