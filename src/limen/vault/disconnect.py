"""End a connection: a tombstone first, then the provider is told, then everything is wiped."""

from __future__ import annotations

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import NotFound, NotPermitted
from limen.vault.events import Disconnected
from limen.vault.model import Grant, Tokens
from limen.vault.parts import Parts
from limen.vault.revoke_upstream import (
    CLIENT_REPLACED,
    enqueue_revocation,
    keep_at_provider,
)
from limen.vault.revoking.blast_radius import dies_with
from limen.vault.sealing import open_access, open_refresh
from limen.vault.store import connections, grants, sharing


async def disconnect(work: Work, parts: Parts, *, connection_id: str, user_id: str) -> Disconnected:
    """End one connection of a user.

    The grant dies with its last connection: no reader finds it from here on, a refresh under
    way can't commit (its late tokens are revoked), and the outbox ends it at the provider.

    Raises:
        NotFound: ``connection_not_found``: none such, another's, or ended already.
    """
    grant_id = await connections.end_connection(work, connection_id=connection_id, owner_id=user_id)
    if grant_id is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    grant = await grants.lock_grant(work, grant_id)
    assert grant is not None
    await sharing.drop_all(work, connection_id)
    revoked = False
    if await connections.count_live_connections(work, grant_id) == 0:
        revoked = await _bury(work, parts, grant)
    event = Disconnected(
        connection_id=connection_id, grant_id=grant_id, provider=grant.provider, revoked=revoked
    )
    await work.record(event)
    return event


async def disconnect_all(work: Work, parts: Parts, *, user_id: str) -> int:
    """End every connection of a user: their account is closed."""
    ids = await connections.connection_ids_of(work, user_id)
    for connection_id in ids:
        await disconnect(work, parts, connection_id=connection_id, user_id=user_id)
    return len(ids)


async def leave_behind(work: Work, parts: Parts, grant: Grant) -> None:
    """End a grant that its last connection left: the client it was given to is ours no more.

    The provider is not told: it knows us by another name now, and would not take our word.
    """
    held = await grants.lock_grant(work, grant.id)
    if held is None or not held.is_live or await connections.count_live_connections(work, held.id):
        return
    await grants.bury_grant(work, grant_id=held.id, state="revoked", reason="client_replaced")
    await keep_at_provider(work, parts, grant=held, why=CLIENT_REPLACED)


async def _bury(work: Work, parts: Parts, grant: Grant) -> bool:
    """End a grant; say whether the provider is told, which may end others at some."""
    if grant.kind != "consent":
        # Nothing needs what is sealed any more: its key is shredded at once.
        await grants.bury_grant(work, grant_id=grant.id, state="revoked", reason="disconnected")
        await keep_at_provider(work, parts, grant=grant, why="revoked_by_hand")
        return False
    stays = grant.is_live and await _holds_others(work, parts, grant)
    try:
        raw_access = await open_access(work, parts.envelope, grant)
        raw_refresh = await open_refresh(work, parts.envelope, grant)
    except SealBroken:
        # Whoever damaged the row, or lost its key, keeps nobody from ending it.
        await grants.bury_grant(work, grant_id=grant.id, state="revoked", reason="disconnected")
        await keep_at_provider(work, parts, grant=grant, why="unreadable")
        return False
    await grants.bury_grant(work, grant_id=grant.id, state="revoked", reason="disconnected")
    if stays:
        await keep_at_provider(work, parts, grant=grant)
    elif raw_access is not None:
        tokens = Tokens(raw_access=raw_access, raw_refresh=raw_refresh)
        await enqueue_revocation(work, parts, grant=grant, tokens=tokens, reason="disconnected")
    return not stays


async def _holds_others(work: Work, parts: Parts, grant: Grant) -> bool:
    """Whether a revocation would end other grants; not if nobody knows the provider any more.

    Nor if its client can't be used before an operator sets it again: that keeps nobody from
    ending what is theirs.
    """
    try:
        client = await get_upstream_client(
            work, parts.envelope, provider=grant.provider, even_disabled=True
        )
        provider = parts.catalogue.get(grant.provider, client.config)
    except (NotFound, NotPermitted):
        return False
    return bool(await dies_with(work, provider, grant))
