"""URLs built from a tenant's values, checked so that our secret goes to the provider alone. Pure.

A template names values in braces. A value must match its pattern *and* the finished URL's host
must be one the entry allows: ``evil.com/.salesforce.com`` passes neither, whichever of the two
somebody gets wrong some day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from limen.kernel.errors import InvalidInput

PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+\Z",
    re.ASCII,
)
"""Lower case, no port, no trailing dot, no user-info, ASCII: one spelling for each host."""


def placeholders(template: str) -> tuple[str, ...]:
    """Return the names a template wants, in order."""
    return tuple(PLACEHOLDER.findall(template))


def is_below(host: str, pattern: str) -> bool:
    """Say whether a host is what a pattern allows: itself, or for ``*.suffix`` any below it."""
    if not HOST.fullmatch(host):
        return False
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def host_of(url: str) -> str:
    """Return the host of a plain https URL on its own port; empty for any other."""
    if not url.isascii() or not url.isprintable():
        return ""  # ``urlsplit`` would drop a line break and see another host than a reader
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    plain = parts.scheme == "https" and parts.netloc == host and port is None
    return host if plain and HOST.fullmatch(host) else ""


def is_allowed(url: str, hosts: Iterable[str]) -> bool:
    """Say whether a URL's host is one of those named."""
    host = host_of(url)
    return bool(host) and any(is_below(host, pattern) for pattern in hosts)


def fill(template: str, values: Mapping[str, str], *, hosts: Iterable[str] = ()) -> str:
    """Put checked values into a template and look at what came out.

    Args:
        template: With ``{name}`` for each value.
        values: By name, each already matched against its pattern.
        hosts: What the finished host must be, where a value decides about it.

    Raises:
        InvalidInput: ``provider_address``: a value is missing, or the URL leads elsewhere.
    """
    try:
        url = PLACEHOLDER.sub(lambda found: values[found[1]], template)
    except KeyError as missing:
        raise InvalidInput(
            "provider_address",
            "The provider's address is incomplete.",
            detail=f"no {missing}",
            field="values",
        ) from None
    in_host = PLACEHOLDER.search(template.split("/", 3)[2]) is not None
    if in_host and not is_allowed(url, hosts):
        raise InvalidInput(
            "provider_address", "That is no address of this provider.", field="values"
        )
    if not in_host and (not url.isprintable() or _netloc(url) != urlsplit(template).netloc):
        raise InvalidInput(
            "provider_address", "That is no address of this provider.", field="values"
        )
    return url


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
