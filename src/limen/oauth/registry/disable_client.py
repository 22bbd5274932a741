"""Disable a client, let it act again, or delete it."""

from __future__ import annotations

from limen.access.set_roles import set_roles
from limen.db.work import Work
from limen.kernel.errors import Conflict
from limen.oauth.events import ClientDeleted, ClientDisabled, ClientEnabled
from limen.oauth.registry.register_client import FIRST_PARTY_CLIENT_ID
from limen.oauth.registry.update_client import client_not_found, forget_client
from limen.oauth.store import clients as store
from limen.oauth.store.codes import drop_codes_of_client
from limen.tokens import principals
from limen.tokens.api_keys.revoke import revoke_keys_of
from limen.tokens.end_grant import end_grants_of_client


async def disable_client(work: Work, *, client_id: str) -> None:
    """Let a client do nothing any more; its tokens and codes are dead at once.

    Raises:
        NotFound: ``client_not_found``.
    """
    if not await store.set_disabled(work, client_id, at=work.now):
        raise client_not_found()
    await drop_codes_of_client(work, client_id)
    await _end_all(work, client_id, reason="client_disabled")
    await work.record(ClientDisabled(client_id=client_id))


async def delete_client(work: Work, *, client_id: str) -> None:
    """Forget a client: its tokens are dead at once, what it registered and consents are gone.

    Its id is not given to anybody again; whoever's address it is, of a metadata document, may
    come back as a new client.

    Raises:
        NotFound: ``client_not_found``.
        Conflict: ``client_built_in``: signing in over JSON needs it, and nothing brings it back.
    """
    if client_id == FIRST_PARTY_CLIENT_ID:
        raise Conflict(
            "client_built_in", "The tenant's own sign-in needs this client; disable it instead."
        )
    if not await store.delete_client(work, client_id):
        raise client_not_found()
    await set_roles(work, principal_id=client_id, roles=frozenset())
    await _end_all(work, client_id, reason="client_deleted")
    await work.record(ClientDeleted(client_id=client_id))


async def _end_all(work: Work, client_id: str, *, reason: str) -> None:
    await principals.disable(work, principal_id=client_id)
    await end_grants_of_client(work, client_id=client_id, reason=reason)
    await revoke_keys_of(work, principal_id=client_id)
    forget_client(work, client_id)


async def enable_client(work: Work, *, client_id: str) -> None:
    """Let a client act again; tokens from before stay dead.

    Raises:
        NotFound: ``client_not_found``.
    """
    if not await store.set_disabled(work, client_id, at=None):
        raise client_not_found()
    await principals.enable(work, principal_id=client_id)
    forget_client(work, client_id)
    await work.record(ClientEnabled(client_id=client_id))
