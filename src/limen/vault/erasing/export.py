"""All that is kept about a person's connections, for them to take along."""

from __future__ import annotations

from typing import Any

from limen.access.permissions import FULL_SCOPE
from limen.access.require import check_recent
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.vault.credentials.material import told_of
from limen.vault.events import ConnectionsExported
from limen.vault.model import Connection
from limen.vault.parts import Parts
from limen.vault.sealing import open_access, open_refresh
from limen.vault.store import connections, erasing, sharing
from limen.vault.store.features import noted_features

_MOST = 1000


async def export(work: Work, parts: Parts, *, user_id: str, with_secrets: bool) -> dict[str, Any]:
    """Return what is kept, as JSON-ready members but for moments.

    Args:
        work: Its actor is the person.
        parts: The vault's.
        user_id: Whose.
        with_secrets: The tokens too, for moving to another server; not those of a provider
            that is switched off.

    Raises:
        NotPermitted: ``first_party_only``: an application asks for secrets.
        ReauthenticationRequired: Secrets are for who signed in a short while ago.
    """
    if with_secrets:
        scope = work.actor.scope
        if scope is not None and FULL_SCOPE not in scope:
            raise NotPermitted("first_party_only", "Secrets are exported to their owner alone.")
        check_recent(work)
    live = await connections.list_connections(work, owner_id=user_id, most=_MOST)
    ever = await erasing.all_ever(work, user_id)
    ids = [each.id for each in live]
    told = {
        "connections": [await _told(work, parts, each, with_secrets=with_secrets) for each in live],
        "ended": [
            {"id": each.id, "provider": each.provider, "ended_at": each.ended_at}
            for each in ever
            if each.ended_at is not None
        ],
        "consents": [
            {
                "connection_id": each.connection_id,
                "client_id": each.client_id,
                "features": list(each.features),
                "mode": each.mode,
                "given_at": each.given_at,
            }
            for each in await sharing.consents_for(work, ids)
        ],
        "releases": await erasing.releases_of(work, ids),
    }
    await work.record(ConnectionsExported(user_id=user_id, with_secrets=with_secrets))
    return told


async def _told(
    work: Work, parts: Parts, connection: Connection, *, with_secrets: bool
) -> dict[str, Any]:
    grant = connection.grant
    noted = await noted_features(work, connection.id)
    told: dict[str, Any] = {
        "id": connection.id,
        "kind": grant.kind,
        "provider": connection.provider,
        "account": connection.label,
        "issuer": grant.issuer,
        "subject": grant.subject,
        "label": connection.nickname,
        "tags": list(connection.tags),
        "metadata": dict(connection.metadata),
        "state": grant.state,
        "scopes": list(grant.granted_scopes),
        "connected_at": connection.created_at,
        "details": dict(grant.lifted),
        "features": {
            name: {"state": each.state, "denied_at": each.denied_at} for name, each in noted.items()
        },
    }
    if with_secrets and connection.is_switched_on:
        access = await open_access(work, parts.envelope, grant)
        refresh = await open_refresh(work, parts.envelope, grant)
        raw_access = None if access is None else access.reveal()
        raw_refresh = None if refresh is None else refresh.reveal()
        if grant.kind != "consent" and raw_access is not None:
            told["credential"] = told_of(grant.kind, raw_access=raw_access, raw_lasting=raw_refresh)
            return told
        told["access_token"] = raw_access
        told["refresh_token"] = raw_refresh
        told["expires_at"] = grant.access_expires_at
    return told
