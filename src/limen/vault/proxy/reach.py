"""What of an API a part of a consent reaches: paths by scope, where they are known. Pure.

A token carries every scope of its grant. A client with consent for some of them is let through
only to paths that belong to those; where nobody knows which, it needs consent for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_G: Final = "https://www.googleapis.com/auth/"
_CALENDAR: Final = (("www.googleapis.com", "/calendar/"),)
_DRIVE: Final = (("www.googleapis.com", "/drive/"), ("www.googleapis.com", "/upload/drive/"))
_GMAIL: Final = (("gmail.googleapis.com", "/gmail/"), ("gmail.googleapis.com", "/upload/gmail/"))
_TASKS: Final = (("tasks.googleapis.com", "/tasks/"),)
_YOUTUBE: Final = (
    ("www.googleapis.com", "/youtube/"),
    ("youtube.googleapis.com", "/youtube/"),
    ("www.googleapis.com", "/upload/youtube/"),
)

_REACH: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    f"{_G}calendar": _CALENDAR,
    f"{_G}calendar.readonly": _CALENDAR,
    f"{_G}drive": _DRIVE,
    f"{_G}drive.file": _DRIVE,
    f"{_G}drive.readonly": _DRIVE,
    f"{_G}gmail.modify": _GMAIL,
    f"{_G}gmail.readonly": _GMAIL,
    f"{_G}gmail.send": _GMAIL,
    f"{_G}tasks": _TASKS,
    f"{_G}tasks.readonly": _TASKS,
    f"{_G}youtube": _YOUTUBE,
    f"{_G}youtube.readonly": _YOUTUBE,
    f"{_G}youtube.upload": _YOUTUBE,
}
"""As the API references give their service paths; checked on 2026-11-21."""


def reaches(agreed: Iterable[str], beyond: Iterable[str], *, host: str, path: str) -> bool:
    """Say whether a path belongs to what was agreed, and to nothing beyond it.

    Args:
        agreed: Scopes that the owner shares.
        beyond: Scopes of the token that they do not share.
        host: Pinned already.
        path: Checked already: it turns nowhere.
    """
    beyond = tuple(beyond)
    if any(scope not in _REACH for scope in beyond):
        return False  # nobody knows what it reaches: perhaps the same paths, and to write
    places = {place for scope in agreed for place in _REACH.get(scope, ())}
    # Reading is agreed and writing is not: the same path serves both, so that neither is safe.
    closed = {place for scope in beyond for place in _REACH.get(scope, ())}
    return any(host == known and path.startswith(prefix) for known, prefix in places - closed)
