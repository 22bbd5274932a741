"""Who calls: the socket's peer, or what a proxy we trust says of it."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.requests import Request

from limen.web.state import Networks, edge_of, state_of

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN: Final = "0.0.0.0"  # noqa: S104 -- stands for "no address", nothing binds to it
_MAX_HOPS: Final = 20
_FORWARDED_FOR: Final = re.compile(
    r'(?:^|;)\s*for=(?:"\[([0-9a-f:.]+)\](?::\d+)?"|"?(\d+\.\d+\.\d+\.\d+)(?::\d+)?"?|([^;]*))',
    re.ASCII | re.IGNORECASE,
)


def networks(listed: Iterable[str]) -> Networks:
    """Read addresses and CIDRs.

    Raises:
        ValueError: If one is neither; host bits below the mask count as a mistake.
    """
    return tuple(ipaddress.ip_network(item.strip()) for item in listed if item.strip())


def client_ip(request: Request) -> str:
    """Return the caller's address, in canonical text.

    The proxies' header is read from its end, hop by hop, for as long as the hop that wrote it
    is a trusted proxy; what anyone else claims is not read at all (N159, N222).
    """
    state = state_of(request)
    known = state.get("client_ip")
    if known is None:
        known = state["client_ip"] = _find(request)
    return str(known)


@functools.lru_cache(maxsize=4096)
def address_block(address: str) -> str:
    """Return the bucket an address is counted in.

    One household or one machine owns a whole IPv6 /64, so counting single addresses counts
    nothing; an IPv4-mapped address is that IPv4 address (N160).
    """
    parsed = _read(address)
    if parsed is None:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def is_trusted_peer(request: Request) -> bool:
    """Say whether the socket's peer is a trusted proxy, whose headers may be believed."""
    peer = _peer(request)
    return peer is not None and _is_in(peer, edge_of(request).trusted_proxies)


def is_trusted_address(address: str, trusted: Networks) -> bool:
    """Say whether an address is that of a trusted proxy."""
    parsed = _read(address)
    return parsed is not None and _is_in(parsed, trusted)


def _find(request: Request) -> str:
    address = _peer(request)
    if address is None:
        return UNKNOWN
    trusted = edge_of(request).trusted_proxies
    if not trusted or not _is_in(address, trusted):
        return _written(address)
    for hop in reversed(_forwarded_for(request)):
        claimed = _read(hop)
        if claimed is None:  # a name or an obfuscated identifier is looked up nowhere (N220)
            break
        address = claimed
        if not _is_in(address, trusted):
            break
    return str(address)


def _forwarded_for(request: Request) -> Sequence[str]:
    """Return every hop claimed, over all header lines in order (N221), the last few only."""
    header = edge_of(request).proxy_header
    hops = [hop for line in request.headers.getlist(header) for hop in line.split(",")]
    read = _forwarded_hop if header == "forwarded" else str.strip
    return [read(hop) for hop in hops[-_MAX_HOPS:]]


def _forwarded_hop(element: str) -> str:
    """Return the address of ``for=`` in one element of RFC 7239, without its port."""
    match = _FORWARDED_FOR.search(element)
    return (match[1] or match[2] or match[3]) if match else ""


def _peer(request: Request) -> _Address | None:
    client = request.scope.get("client")
    return _read(client[0]) if client else None


@functools.lru_cache(maxsize=4096)
def _read(text: str) -> _Address | None:
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


_written: Final = functools.lru_cache(maxsize=4096)(str)
"""The canonical text of an address; writing it costs as much as finding it."""


def _is_in(address: _Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
