"""Reading clients: cached, and confirmed by their version wherever a row is read anyway."""

from __future__ import annotations

import dataclasses
from typing import final

from limen.db.cache import Cache
from limen.db.work import Work
from limen.oauth.model import Client
from limen.oauth.registration.documents import Documents
from limen.oauth.registry.logo import shown_logo
from limen.oauth.store import clients as store
from limen.protocol.client_document import is_document_url
from limen.protocol.client_metadata import under_profile
from limen.tenants.policy_of import policy_of


@final
class Clients:
    """The clients of all tenants; one instance per process.

    All methods return disabled clients too, and those that the tenant's profile refuses: check
    ``is_active``. What they return is bound by that profile, whenever it was registered.

    Args:
        documents: Fetches client ID metadata documents; without, nobody's address is an id.
    """

    def __init__(self, documents: Documents | None = None) -> None:
        self._documents = documents
        self._cache: Cache[Client] = Cache("client", read=store.find_client)
        self._origins: Cache[str] = Cache("origin", read=store.find_client_of_origin)

    async def find(self, work: Work, client_id: str) -> Client | None:
        """Return a client, at most two seconds old; without a statement when it is cached."""
        return in_force(work, await self._cache.get(work, client_id))

    async def find_presented(self, work: Work, client_id: str) -> Client | None:
        """Return the client that a request names; a document's is fetched if it has to be.

        Args:
            work: Clean: nothing is fetched inside a transaction.
            client_id: As the request says.

        Raises:
            InvalidClient: As ``Documents.current``.
            Throttled: ``too_many_clients``.
        """
        known = await self._cache.get(work, client_id)
        if is_document_url(client_id):
            if self._documents is None:
                return None
            known = await self._documents.current(work, client_id, known=known)
        return in_force(work, known)

    async def fresh(self, work: Work, client_id: str) -> Client | None:
        """Return a client as it is now."""
        return in_force(work, await self._cache.fresh(work, client_id))

    async def confirm(self, work: Work, client: Client, *, version: int) -> Client | None:
        """Return the client as of the version that another statement just read."""
        if client.version == version:
            return client
        return await self.fresh(work, client.client_id)

    async def allows_origin(self, work: Work, origin: str) -> bool:
        """Say whether scripts of an origin may call the tenant's OAuth endpoints (CORS)."""
        return await self._origins.get(work, origin) is not None


def in_force(work: Work, client: Client | None) -> Client | None:
    """Return a client as its tenant's profile binds it (FAPI 2.0, MCP), and shows it."""
    if client is not None and client.logo_id and shown_logo(work, client) is None:
        client = dataclasses.replace(client, logo_id="")
    demanded = policy_of(work).profile
    if client is None or not demanded:
        return client
    metadata, problems = under_profile(client.metadata, demanded)
    if metadata is client.metadata:
        return client
    texts = "; ".join(f"{field}: {text.rstrip('.')}" for field, text in problems)
    return dataclasses.replace(client, metadata=metadata, held_back=texts)
