"""The token of one connection for one API: where it may go, and what comes after a 401."""

from __future__ import annotations

from typing import Any

from limen.client.answers import ConnectionToken
from limen.client.connections import Connections
from limen.client.origin import origin_of
from limen.client.refusals import Refused
from limen.client.users import User


class AtApi:
    """What an HTTP client puts in its requests.

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

    def is_at(self, url: str) -> bool:
        """Say whether a URL is of the API."""
        return origin_of(url, checked=False) == self._origin

    async def token(self) -> ConnectionToken:
        """Return the token to be sent."""
        return await self._connections.token(self._user, self._provider, **self._wanted)

    async def newer(self, than: ConnectionToken) -> ConnectionToken | None:
        """Return a token after one that was answered with 401; ``None``: that answer stands."""
        try:
            newer = await self._connections.token(
                self._user, self._provider, **self._wanted, seen_generation=than.generation
            )
        except Refused:
            return None  # the provider's own answer says it best
        return newer if newer.generation > than.generation else None
