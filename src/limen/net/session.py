"""aiohttp, set up so that nothing slips by; imported at the first call, for the start's sake."""

from __future__ import annotations

import contextvars
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver

from limen.kernel.errors import NetRefused
from limen.net.addresses import read_address
from limen.net.authorities import add_bundle
from limen.net.doors import Doors, Way
from limen.net.look_up import LookUps
from limen.net.places import PLACES
from limen.settings.sections import NetSettings

_KEEPALIVE_SECONDS: Final = 3.0
"""Below what servers keep (uvicorn and Node 5 s): a request must not meet a closing door,
because then nobody knows whether it was read."""


@dataclass(slots=True)
class Call:
    """One call under way.

    Attributes:
        sent: Whether a byte of the request may have left.
        refused: Why the last address was refused, if one was.
    """

    way: Way
    sent: bool = False
    refused: NetRefused | None = None


CALL: Final[contextvars.ContextVar[Call]] = contextvars.ContextVar("call")


def open_session(
    settings: NetSettings, doors: Doors, *, resolver: AbstractResolver | LookUps
) -> aiohttp.ClientSession:
    """Return a session that dials only what the doors let pass."""

    def make_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        """Make the socket for one address, the last place where it can be refused.

        It sees every address dialled, literals included; a resolver hook never sees those. The
        address checked is the address dialled: there is no second look-up to rebind (N215).
        """
        family, kind, protocol, _, target = info
        call = CALL.get()
        address = read_address(str(target[0]).partition("%")[0])
        if address is None:
            raise OSError("not an address")
        try:
            doors.check_address(address, call.way)
        except NetRefused as refused:
            call.refused = refused
            raise OSError("refused") from refused
        return socket.socket(family, kind, protocol)

    if isinstance(resolver, LookUps):
        resolver = aiohttp.ThreadedResolver(loop=resolver)  # type: ignore[arg-type]  # asks nothing else of it
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        use_dns_cache=False,
        socket_factory=make_socket,
        ssl=_tls(settings.ca_bundle),
        limit=PLACES,
        limit_per_host=PLACES // 2,
        keepalive_timeout=_KEEPALIVE_SECONDS,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        raise_for_status=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_seconds),
        headers={"Accept-Encoding": "identity", "User-Agent": "Limen"},
        trace_configs=[_trace()],
    )
    session._retry_connection = False  # noqa: SLF001 -- no public switch; a retry could send twice
    return session


def _trace() -> aiohttp.TraceConfig:
    """Note the moment before the first byte leaves."""

    async def note(_session: aiohttp.ClientSession, context: SimpleNamespace, _: Any) -> None:
        call: Call = context.trace_request_ctx
        call.sent = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note)
    return trace


def _tls(ca_bundle: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle is not None:
        add_bundle(context, ca_bundle)
    return context
