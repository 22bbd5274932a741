"""The token of a connection for ``httpx2``: fetched, put in, and once more after a 401."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

from typing_extensions import override

from limen.client.connections import Connections
from limen.client.origin import origin_of
from limen.client.refusals import Refused
from limen.client.users import User

try:
    import httpx2
except ImportError as missing:  # pragma: no cover -- the development set has it
    raise ImportError("limen.client.httpx2_auth needs httpx2: install it.") from missing


class ConnectionAuth(httpx2.Auth):
    """Give to an ``httpx2.AsyncClient`` as ``auth=``.

    A call that the provider answers with 401 is made once more if there is a newer token, and
    if its body can be sent twice.

    Args:
        connections: Of ``Limen``, over HTTP or mounted.
        user: Whose connection.
        provider: Its provider.
        at: The origin of the provider's API. The token goes nowhere else: other calls of the
            same client pass without it.
        wanted: ``connection`` and ``feature``, as of ``Connections.token``.

    Raises:
        ValueError: The token would travel in the clear.
    """

    def __init__(
        self, connections: Connections, user: User, provider: str, *, at: str, **wanted: Any
    ) -> None:
        self._connections = connections
        self._user = user
        self._provider = provider
        self._origin = origin_of(at)
        self._wanted = wanted

    @override
    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if origin_of(str(request.url), checked=False) != self._origin:
            yield request
            return
        token = await self._connections.token(self._user, self._provider, **self._wanted)
        request.headers["Authorization"] = f"Bearer {token.value.reveal()}"
        response = yield request
        if response.status_code != 401 or not isinstance(request.stream, httpx2.ByteStream):
            return
        try:
            newer = await self._connections.token(
                self._user, self._provider, **self._wanted, seen_generation=token.generation
            )
        except Refused:
            return  # the provider's own answer says it best
        if newer.generation > token.generation:
            request.headers["Authorization"] = f"Bearer {newer.value.reveal()}"
            yield request

    @override
    def sync_auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        raise TypeError("Tokens are fetched asynchronously: use httpx2.AsyncClient.")
        yield request
