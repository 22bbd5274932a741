"""Where a token may be sent. Pure."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"https": 443, "http": 80}


def origin_of(url: str, *, checked: bool = True) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL.

    Args:
        url: Absolute.
        checked: Refuse what secrets may not be sent to.

    Raises:
        ValueError: It is not ``https``, and not on loopback.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if checked and (not host or not is_safe):
        raise ValueError("The URL must begin with https://, unless it is on loopback.")
    return parts.scheme, host, parts.port or _PORTS.get(parts.scheme)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
