"""Reading clients: cached, and confirmed by their version wherever a row is read anyway."""

from __future__ import annotations

from typing import final

from limen.db.cache import Cache
from limen.db.work import Work
from limen.oauth.model import Client
from limen.oauth.registration.documents import Documents
from limen.oauth.store import clients as store
from limen.protocol.client_document import is_document_url


@final
class Clients:
    """The clients of all tenants; one instance per process.

    All methods return disabled clients too: check ``is_active``.

    Args:
        documents: Fetches client ID metadata documents; without, nobody's address is an id.
    """

    def __init__(self, documents: Documents | None = None) -> None:
        self._documents = documents
        self._cache: Cache[Client] = Cache("client", read=store.find_client)
        self._origins: Cache[str] = Cache("origin", read=store.find_client_of_origin)

    async def find(self, work: Work, client_id: str) -> Client | None:
        """Return a client, at most two seconds old; without a statement when it is cached."""
        return await self._cache.get(work, client_id)

    async def find_presented(self, work: Work, client_id: str) -> Client | None:
        """Return the client that a request names; a document's is fetched if it has to be.

        Args:
            work: Clean: nothing is fetched inside a transaction.
            client_id: As the request says.

        Raises:
            InvalidClient: As ``Documents.current``.
            Throttled: ``too_many_clients``.
        """
        known = await self.find(work, client_id)
        if not is_document_url(client_id):
            return known
        if self._documents is None:
            return None
        return await self._documents.current(work, client_id, known=known)

    async def fresh(self, work: Work, client_id: str) -> Client | None:
        """Return a client as it is now."""
        return await self._cache.fresh(work, client_id)

    async def confirm(self, work: Work, client: Client, *, version: int) -> Client | None:
        """Return the client as of the version that another statement just read."""
        if client.version == version:
            return client
        return await self._cache.fresh(work, client.client_id)

    async def allows_origin(self, work: Work, origin: str) -> bool:
        """Say whether scripts of an origin may call the tenant's OAuth endpoints (CORS)."""
        return await self._origins.get(work, origin) is not None
