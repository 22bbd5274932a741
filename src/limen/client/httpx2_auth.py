"""The token of a connection for ``httpx2``: fetched, put in, and once more after a 401."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

from typing_extensions import override

from limen.client.at_api import AtApi
from limen.client.connections import Connections
from limen.client.users import User

try:
    import httpx2
except ImportError as missing:  # pragma: no cover -- the development set has it
    raise ImportError("limen.client.httpx2_auth needs httpx2: install it.") from missing


class ConnectionAuth(httpx2.Auth):
    """Give to an ``httpx2.AsyncClient`` as ``auth=``.

    A call that the provider answers with 401 is made once more if there is a newer token, and
    if its body can be sent twice.

    Args and errors are those of ``limen.client.at_api.AtApi``.
    """

    def __init__(
        self, connections: Connections, user: User, provider: str, *, at: str, **wanted: Any
    ) -> None:
        self._api = AtApi(connections, user, provider, at=at, **wanted)

    @override
    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if not self._api.is_at(str(request.url)):
            yield request
            return
        token = await self._api.token()
        request.headers["Authorization"] = f"Bearer {token.value.reveal()}"
        response = yield request
        if response.status_code != 401 or not isinstance(request.stream, httpx2.ByteStream):
            return
        newer = await self._api.newer(token)
        if newer is not None:
            request.headers["Authorization"] = f"Bearer {newer.value.reveal()}"
            yield request

    @override
    def sync_auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        raise TypeError("Tokens are fetched asynchronously: use httpx2.AsyncClient.")
        yield request
