"""Delete clients that nobody vouched for and nobody has agreed to use (N194)."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.oauth.registry.disable_client import delete_client
from limen.oauth.store import registrations as store
from limen.oauth.store.initial_tokens import sweep_tokens

_AT_ONCE: Final = 200


async def sweep_registrations(work: Work) -> int:
    """Delete the tenant's unused clients and expired initial access tokens; return how many."""
    unused = await store.list_unused(work, most=_AT_ONCE)
    for client_id in unused:
        await delete_client(work, client_id=client_id)
    return len(unused) + await sweep_tokens(work)
