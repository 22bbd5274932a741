"""Write down a tenant's connections, a line each, for another server to take in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from limen.accounts.directory import find_user
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import NotPermitted
from limen.kernel.site import Site
from limen.vault.credentials.material import told_of
from limen.vault.events import ConnectionWrittenOut
from limen.vault.listing import list_held_tokens
from limen.vault.model import TENANT_OWNER, Connection
from limen.vault.parts import Parts
from limen.vault.sealing import open_access, open_refresh
from limen.vault.store import connections, overview

_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What is written.

    Args:
        with_secrets: The tokens too.
        provider: Only connections at this one; at all of them if empty.
        user_id: Only this person's.
    """

    with_secrets: bool = False
    provider: str = ""
    user_id: str = ""


async def write_out(
    parts: Parts, site: Site, *, extent: Extent, actor: Actor
) -> AsyncIterator[bytes]:
    """Yield a tenant's live connections, oldest first.

    Each with secrets has its event, durable before its line is out. Tokens of a provider that is
    switched off are written too: switching it off first keeps this server from redeeming what
    the next one holds.

    Raises:
        NotPermitted: With secrets, for anybody but the operator at the command line.
    """
    if extent.with_secrets and actor.kind != "operator":
        raise NotPermitted(public="Tokens are written out at the command line alone.")
    after = ""
    while True:

        async def page(work: Work, after: str = after) -> list[tuple[str, str]]:
            found = await list_held_tokens(
                work,
                after=after,
                most=_PAGE,
                provider=extent.provider,
                user_id=extent.user_id,
            )
            return [(each.id, each.user_id) for each in found]

        ids = await parts.works.run(site, page, actor=actor)
        for connection_id, user_id in ids:

            async def one(
                work: Work, connection_id: str = connection_id, user_id: str = user_id
            ) -> bytes | None:
                return await _line(
                    work, parts, connection_id=connection_id, user_id=user_id, extent=extent
                )

            line = await parts.works.run(site, one, actor=actor)
            if line is not None:
                yield line
        if len(ids) < _PAGE:
            return
        after = ids[-1][0]


async def _line(
    work: Work, parts: Parts, *, connection_id: str, user_id: str, extent: Extent
) -> bytes | None:
    """Return a line; ``None`` if the connection was ended a moment ago, or is by credentials.

    Those are their people's own, and are taken along by them.
    """
    owner_id = await overview.owner_of(work, connection_id)
    if owner_id is None:
        return None
    found = await connections.show_connection(work, connection_id=connection_id, owner_id=owner_id)
    if found is None or found.grant.kind != "consent":
        return None
    user = await find_user(work, user_id)
    address = user.email if user is not None and user.is_verified else None
    told = _members(found, user=address or user_id)
    if extent.with_secrets:
        grant = found.grant
        access = await open_access(work, parts.envelope, grant)
        refresh = await open_refresh(work, parts.envelope, grant)
        raw_access = None if access is None else access.reveal()
        raw_refresh = None if refresh is None else refresh.reveal()
        if grant.kind != "consent" and raw_access is not None:
            # No token: who takes such a line in for one refuses it.
            told["credential"] = told_of(grant.kind, raw_access=raw_access, raw_lasting=raw_refresh)
        else:
            told["access_token"], told["refresh_token"] = raw_access, raw_refresh
    await work.record(
        ConnectionWrittenOut(
            connection_id=connection_id,
            grant_id=found.grant.id,
            provider=found.provider,
            user_id=user_id,
            with_secrets=extent.with_secrets,
        )
    )
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def _members(connection: Connection, *, user: str) -> dict[str, Any]:
    grant = connection.grant
    expires_at, connected_at = grant.access_expires_at, grant.consented_at
    return {
        **({} if grant.kind == "consent" else {"kind": grant.kind}),
        "id": connection.id,
        "provider": connection.provider,
        "user": user,
        "belongs_to": "tenant" if connection.owner_id == TENANT_OWNER else "person",
        "issuer": grant.issuer,
        "subject": grant.subject,
        "account": connection.label,
        "label": connection.nickname,
        "tags": list(connection.tags),
        "metadata": dict(connection.metadata),
        "state": grant.state,
        "scopes": list(grant.granted_scopes),
        "features": [name for name, state in connection.features.items() if state == "active"],
        "details": dict(grant.lifted),
        "issued_at": grant.requested_at.isoformat(),
        "expires_at": None if expires_at is None else expires_at.isoformat(),
        "connected_at": (connected_at or connection.created_at).isoformat(),
    }
