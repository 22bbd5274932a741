"""What a peer may keep us waiting for: the time a request takes to arrive, and connections.

The server itself waits for ever for the rest of a request, so a few thousand sockets that say
nothing would leave none for anybody else; and it keeps headers however many come (N237).
"""

from __future__ import annotations

import asyncio
import collections
import ipaddress
import resource
from collections.abc import Iterable
from typing import Final, cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from limen.cli.serving.joined_writes import JoinedWrites, Turn
from limen.settings.kinds import Networks
from limen.settings.sections import WebSettings

_EVERY_SECONDS: Final = 1.0
_V6_PREFIX: Final = 64
_MOST_HEADER_BYTES: Final = 64 * 1024
"""Of a head, or of what follows a body in chunks; what is read at once may end beyond it."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class OfPeer(HttpToolsProtocol):
    """uvicorn's connection, which takes a place of its peer's and notes since when it waits.

    Attributes:
        settings: How many connections a peer may have, and who is a proxy: through one come
            many people, and it is the proxy's to keep them in order.
        taken: How many each peer has now.
        turn: What is written on all connections of this server.
        writes: What is written on this one.
        arriving_since: By the loop's time; ``None`` while no request is arriving.
        unread_since: Likewise; ``None`` while answers leave as fast as they are written.
        heading_bytes: What came since the last byte that belonged to a body.
    """

    settings: WebSettings
    taken: collections.Counter[str]
    turn: Turn
    writes: JoinedWrites
    arriving_since: float | None = None
    unread_since: float | None = None
    has_headers = False
    heading_bytes = 0
    peer = ""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        self.writes = JoinedWrites(transport, self.turn)
        super().connection_made(self.writes)
        self.arriving_since = self.loop.time()
        self.peer = peer_of(self.client[0] if self.client else "", self.settings.trusted_proxies)
        self.taken[self.peer] += 1
        if self.peer and self.taken[self.peer] > self.settings.connections_per_peer:
            transport.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.taken[self.peer] -= 1
        if not self.taken[self.peer]:
            del self.taken[self.peer]
        super().connection_lost(exc)

    @override
    def eof_received(self) -> None:
        """Send what is ready to whoever asks nothing more: the transport closes itself now."""
        self.writes.send()

    @override
    def data_received(self, data: bytes) -> None:
        if self.arriving_since is None:
            self.arriving_since = self.loop.time()
        self.heading_bytes += len(data)
        super().data_received(data)
        if self.heading_bytes > _MOST_HEADER_BYTES and not self.transport.is_closing():
            if not self.has_headers:
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    @override
    def pause_writing(self) -> None:
        self.unread_since = self.loop.time()
        super().pause_writing()

    @override
    def resume_writing(self) -> None:
        self.unread_since = None
        super().resume_writing()

    @override
    def on_headers_complete(self) -> None:
        self.has_headers, self.heading_bytes = True, 0
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self.heading_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self.arriving_since, self.has_headers, self.heading_bytes = None, False, 0
        super().on_message_complete()


def protocol_of(settings: WebSettings) -> type[OfPeer]:
    """Return the connections of one server: uvicorn makes them from a class."""
    own = {"settings": settings, "taken": collections.Counter(), "turn": Turn()}
    return type("OfPeer", (OfPeer,), own)


def peer_of(address: str, proxies: Networks) -> str:
    """Return whom a connection is counted for; empty for nobody.

    An IPv6 peer has a network of its own, and with it more addresses than can be counted.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""  # a socket of this machine has no address
    if ip.version == 6 and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(ip in network for network in proxies):
        return ""
    if ip.version == 6:
        return str(ipaddress.ip_network((ip, _V6_PREFIX), strict=False))
    return str(ip)


async def hang_up_on_the_slow(connections: Iterable[object], settings: WebSettings) -> None:
    """Close, again and again, connections whose request or answer takes too long.

    Args:
        connections: The server's, living; made by ``protocol_of``.
        settings: How long headers may take, and the whole.
    """
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        now = loop.time()
        for each in cast("list[OfPeer]", list(connections)):
            allowed = settings.request_seconds if each.has_headers else settings.header_seconds
            if each.arriving_since is not None and now - each.arriving_since > allowed:
                each.transport.close()
            if each.unread_since is not None and now - each.unread_since > settings.request_seconds:
                each.transport.abort()  # closing would wait for what nobody reads


def allow_many_files() -> None:
    """Take as many file descriptors as this process may have: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
