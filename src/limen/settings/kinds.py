"""How values are written: durations, rates, secrets, lists, the outbound allow-list."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer

from limen.kernel.secret import Secret

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"([0-9]{1,9}) ?([smhd])", re.ASCII)
_RATE: Final = re.compile(r"([0-9]{1,9}) ?/ ?(?:([0-9]{1,6}) ?)?(second|minute|hour|day|[smhd])")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
_ALLOWED: Final = re.compile(
    r"(?:(?P<scheme>https?)://)?(?:\[(?P<v6>[0-9a-f:.]+(?:/[0-9]{1,3})?)\]|(?P<rest>[^:\[\]@?#]+))"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
_LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def _read_duration(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError("write a duration as a number and s, m, h or d, as in 15m or 30d")
    return dt.timedelta(seconds=int(match[1]) * _UNITS[match[2]])


Duration = Annotated[dt.timedelta, BeforeValidator(_read_duration)]
"""A length of time, written ``90s``, ``15m``, ``12h`` or ``30d``; a bare number is seconds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds, written ``30/minute`` or ``5/10s``."""

    amount: int
    per_seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``30/minute``; zero requests would close the door and is refused."""
        match = _RATE.fullmatch(text.strip().lower())
        if match is None or not int(match[1]) or match[2] == "0":
            raise ValueError("write a rate as in 30/minute or 5/10s")
        return cls(int(match[1]), int(match[2] or 1) * _UNITS[match[3][0]])


def _read_rate(value: Any) -> Any:
    return Rate.parse(value) if isinstance(value, str) else value


RateText = Annotated[Rate, BeforeValidator(_read_rate)]


def _read_secret(value: Any) -> Any:
    return Secret(value) if isinstance(value, str) else value


SecretText = Annotated[
    Secret[str], BeforeValidator(_read_secret), PlainSerializer(str, return_type=str)
]
"""A secret: it has no repr, and a dump of the settings shows a placeholder."""


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _read_networks(value: Any) -> Any:
    parts = _split(value)
    if not isinstance(parts, list | tuple):
        return value
    return tuple(_read_network(part) for part in parts)


def _read_network(part: Any) -> Any:
    if not isinstance(part, str):
        return part
    try:
        return ipaddress.ip_network(part)
    except ValueError:
        raise ValueError(
            f"{part!r} is not an address or a network; write 10.0.0.0/8 or 192.0.2.7"
        ) from None


Networks = Annotated[tuple[Network, ...], BeforeValidator(_read_networks)]
"""Addresses and networks, comma-separated or as a TOML list."""

Texts = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Words, comma-separated or as a TOML list."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the outbound allow-list: what else than the public https internet is reached.

    Written ``[scheme://]target[:port]`` where the target is a host name, an address or a
    network: ``https://10.20.0.0/16:8443``, ``idp.internal``, ``http://[::1]``. Without a
    scheme an entry means https, and http as well where the target is this machine.

    Args:
        scheme: ``http`` or ``https``; empty for the rule above.
        host: The exact host name, lower-case; empty for a network.
        network: The network; ``None`` for a host name.
        port: The port; ``None`` for any.
    """

    scheme: str
    host: str
    network: Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Allowed:
        """Read one entry; anything that is not exactly one is refused."""
        match = _ALLOWED.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(_not_allowed_entry(text))
        target = match["v6"] or match["rest"]
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 0 < port < 65536:
            raise ValueError(_not_allowed_entry(text))
        try:
            return cls(match["scheme"] or "", "", ipaddress.ip_network(target), port)
        except ValueError:
            if not _HOST.fullmatch(target) or target.rpartition(".")[2].isdigit():
                raise ValueError(_not_allowed_entry(text)) from None
        return cls(match["scheme"] or "", target, None, port)

    @property
    def is_loopback(self) -> bool:
        """Say whether the entry names only this machine."""
        if self.network is None:
            return self.host == "localhost"
        return any(is_within(self.network, loopback) for loopback in _LOOPBACK)

    def covers(self, *, scheme: str, port: int) -> bool:
        """Say whether the entry speaks about this scheme and port."""
        schemes = {self.scheme} if self.scheme else {"https"}
        if not self.scheme and self.is_loopback:
            schemes.add("http")
        return scheme in schemes and self.port in (None, port)


def _not_allowed_entry(text: str) -> str:
    return f"{text!r} is not [scheme://]host-or-network[:port], as in https://10.0.0.0/8:8443"


def is_within(inner: Network, outer: Network) -> bool:
    """Say whether one network lies in the other; networks of different versions never do."""
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _read_allowed(value: Any) -> Any:
    parts = _split(value)
    if not isinstance(parts, list | tuple):
        return value
    return tuple(Allowed.parse(part) if isinstance(part, str) else part for part in parts)


AllowList = Annotated[tuple[Allowed, ...], BeforeValidator(_read_allowed)]


def is_loopback_host(host: str) -> bool:
    """Say whether a URL's host is this machine by its form alone, without a look-up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_base_url(value: str) -> str:
    """Return an issuer URL without trailing slash, or raise.

    RFC 8414 section 2: no query, no fragment; a user-info part would end in every link.
    """
    url = value.rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # the parser's own text quotes the port, where a password may stand
        raise ValueError("is not a URL that can be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("write an absolute http or https URL, as in https://id.example.com")
    if "?" in url or "#" in url or parts.netloc != parts.netloc.lower():
        raise ValueError("no query, no fragment, and the host in lower case")
    return url
