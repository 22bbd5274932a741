"""Reading which client is an API's own: cached, for APIs ask about every request they get."""

from __future__ import annotations

from typing import Final, final

from limen.db.cache import Cache
from limen.db.work import Work
from limen.oauth.introspection import store

KIND: Final = "api_client"


@final
class ApiClients:
    """The clients of the APIs of all tenants; one instance per process."""

    def __init__(self) -> None:
        self._cache: Cache[tuple[str, ...]] = Cache(KIND, read=store.resources_of)

    async def is_client_of(self, work: Work, client_id: str, *, resource: str) -> bool:
        """Say whether a client is a resource's own, as of at most two seconds ago."""
        return resource in (await self._cache.get(work, client_id) or ())
