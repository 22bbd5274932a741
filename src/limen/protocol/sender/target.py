"""The URI that a DPoP proof names, compared as RFC 9449 section 4.3 wants it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

MAX_CHARACTERS: Final = 2048

_PLAIN: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS: Final = {"http": 80, "https": 443}


def normal_target(uri: str) -> str | None:
    """Return an http(s) URI in its one normal form, without query and fragment.

    Lower-case scheme and host, no default port, escapes in upper case and only where they are
    needed, no dot segments (RFC 3986 sections 6.2.2 and 6.2.3).

    Returns:
        ``None`` if it is no such URI, or names a user.
    """
    if len(uri) > MAX_CHARACTERS or not _PLAIN.fullmatch(uri) or "\\" in uri:
        return None
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or "%" in parts.netloc:
        return None
    if _BROKEN_ESCAPE.search(parts.path):
        return None
    shown = f"[{host}]" if ":" in host else host
    suffix = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    path = _without_dots(_ESCAPE.sub(_needed, parts.path or "/"))
    return f"{parts.scheme}://{shown}{suffix}{path}"


def _needed(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _without_dots(path: str) -> str:
    """Remove ``.`` and ``..`` (RFC 3986 section 5.2.4)."""
    *folders, last = path.split("/")[1:]
    kept: list[str] = []
    for segment in (*folders, "" if last in {".", ".."} else last):
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if last == ".." and len(kept) > 1:
        del kept[-2]
    return "/" + "/".join(kept)
