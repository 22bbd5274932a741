"""The server as a program sees it."""

from __future__ import annotations

import datetime as dt
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from limen.client.connections import Connections
from limen.client.credentials import Credentials, TokenSource, credentials_of
from limen.client.over_http import OverHttp
from limen.client.transport import Transport
from limen.kernel.clock import Clock, SystemClock
from limen.kernel.secret import Secret

if TYPE_CHECKING:
    import aiohttp

REMEMBER: Final = dt.timedelta(minutes=5)


class Limen:
    """One tenant of a Limen: ``async with Limen(url, credentials) as limen: …``.

    Args:
        url: Its issuer. ``https``, unless it is on loopback.
        credentials: ``ClientSecret``, ``ApiKey`` or ``AccessToken``; a bare text, or a function
            that gives one, is an access token.
        session: The program's own aiohttp session, which stays open; ours is opened at the
            first call and closed at the end.
        clock: In place of the machine's.
        remember: For how long tokens are kept in memory at most.

    Attributes:
        connections: What people connected.

    Raises:
        ValueError: The URL would carry secrets in the clear.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | str | Secret[str] | TokenSource,
        *,
        session: aiohttp.ClientSession | None = None,
        clock: Clock | None = None,
        remember: dt.timedelta = REMEMBER,
    ) -> None:
        self._transport: Transport = OverHttp(url, session=session)
        self.connections = Connections(
            self._transport,
            credentials_of(credentials),
            clock=clock or SystemClock(),
            remember=remember,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back the connections to the server, and forget every token."""
        self.connections.forget()
        await self._transport.close()


def over(transport: Transport, *, clock: Any = None, credentials: Any = None) -> Connections:
    """Return the same calls over another way to a server, in process say."""
    given = None if credentials is None else credentials_of(credentials)
    return Connections(transport, given, clock=clock or SystemClock(), remember=REMEMBER)
