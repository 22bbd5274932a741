"""The token of a connection for aiohttp: fetched, put in, and once more after a 401."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, payload

from limen.client.connections import Connections
from limen.client.origin import origin_of
from limen.client.refusals import Refused
from limen.client.users import User


class ConnectionMiddleware:
    """Give to an ``aiohttp.ClientSession`` in ``middlewares=``.

    aiohttp asks it for every hop of a redirect; another origin is sent no token.

    Args:
        connections: Of ``Limen``, over HTTP or mounted.
        user: Whose connection.
        provider: Its provider.
        at: The origin of the provider's API. The token goes nowhere else: other calls of the
            same session pass without it.
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

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request with the token, and once more with a newer one."""
        if origin_of(str(request.url), checked=False) != self._origin:
            return await handler(request)
        token = await self._connections.token(self._user, self._provider, **self._wanted)
        request.headers["Authorization"] = f"Bearer {token.value.reveal()}"
        response = await handler(request)
        if response.status != 401 or not _may_be_sent_twice(request):
            return response
        try:
            newer = await self._connections.token(
                self._user, self._provider, **self._wanted, seen_generation=token.generation
            )
        except Refused:
            return response  # the provider's own answer says it best
        if newer.generation <= token.generation:
            return response
        response.release()
        request.headers["Authorization"] = f"Bearer {newer.value.reveal()}"
        return await handler(request)


def _may_be_sent_twice(request: ClientRequest) -> bool:
    body: object = request.body
    return isinstance(body, bytes | payload.BytesPayload)
