"""The token of a connection for aiohttp: fetched, put in, and once more after a 401."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, payload

from limen.client.at_api import AtApi
from limen.client.connections import Connections
from limen.client.users import User


class ConnectionMiddleware:
    """Give to an ``aiohttp.ClientSession`` in ``middlewares=``.

    aiohttp asks it for every hop of a redirect; another origin is sent no token.

    Args and errors are those of ``limen.client.at_api.AtApi``.
    """

    def __init__(
        self, connections: Connections, user: User, provider: str, *, at: str, **wanted: Any
    ) -> None:
        self._api = AtApi(connections, user, provider, at=at, **wanted)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request with the token, and once more with a newer one."""
        if not self._api.is_at(str(request.url)):
            return await handler(request)
        token = await self._api.token()
        request.headers["Authorization"] = f"Bearer {token.value.reveal()}"
        response = await handler(request)
        if response.status != 401 or not _may_be_sent_twice(request):
            return response
        newer = await self._api.newer(token)
        if newer is None:
            return response
        response.release()
        request.headers["Authorization"] = f"Bearer {newer.value.reveal()}"
        return await handler(request)


def _may_be_sent_twice(request: ClientRequest) -> bool:
    body: object = request.body
    return isinstance(body, bytes | payload.BytesPayload)
