"""Which addresses are never called unless the operator named them."""

from __future__ import annotations

import functools
import ipaddress
from typing import Final, TypeAlias

from limen.settings.kinds import Network

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORBIDDEN: Final[tuple[tuple[str, str], ...]] = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/96", "unspecified, loopback or IPv4-compatible"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "discard"),
    ("2001::/23", "protocol assignments, Teredo among them"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
"""RFC 6890 and its registries, spelled out: ``is_global`` differs between Python releases
(CVE-2024-4032), so it only adds to this table."""

_TABLE: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ipaddress.ip_network(network), reason) for network, reason in _FORBIDDEN
)

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")
)


@functools.lru_cache(maxsize=1024)
def read_address(text: str) -> Address | None:
    """Read an IP address; an IPv4-mapped one becomes the IPv4 address that is dialled."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def find_objection(address: Address) -> str | None:
    """Return why an address is not called, or ``None`` if it is on the public internet."""
    for network, reason in _TABLE:
        if address.version == network.version and address in network:
            return reason
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return "zone"
    if not address.is_global or address.is_multicast or address.is_reserved:
        return "not global"
    return None


def is_metadata(address: Address) -> bool:
    """Say whether a cloud hands out its instance's credentials there."""
    return address in _METADATA
