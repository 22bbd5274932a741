"""The vault's SQL for credentials of people's own."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.vault.model import Grant, Terms
from limen.vault.store.grants import FRESH_TOKENS
from limen.vault.tables import connections, upstream_grants

_c = connections.c
_g = upstream_grants.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

# Only over what its caller saw: of two who replace one credential, one does; and whoever fetches
# a token with the old one at this moment commits nothing any more.
_SEEN = (
    _g.tenant_id == _TENANT,
    _g.id == bindparam("grant_id"),
    _g.fence == bindparam("held"),
    _g.generation == bindparam("held_generation"),
    _g.kind != sa.literal_column("'consent'"),
    _g.live_subject.is_not(None),
)
_REPLACE = (
    sa.update(upstream_grants)
    .where(*_SEEN)
    .values(
        **FRESH_TOKENS,
        generation=_g.generation + 1,
        issuer=bindparam("new_issuer"),
        subject=bindparam("new_subject"),
        verified_at=bindparam("new_requested_at"),
        lease_owner=None,
        lease_until=None,
        fence=_g.fence + 1,
    )
)
# It is as good as it was: nobody's copy of it grows old by that.
_NOTE_TAKEN = (
    sa.update(upstream_grants)
    .where(*_SEEN)
    .values(
        state="active",
        reason=None,
        requested_at=bindparam("new_requested_at"),
        verified_at=bindparam("new_requested_at"),
        failures=0,
        retry_at=None,
        lease_owner=None,
        lease_until=None,
        updated_at=bindparam("new_updated_at"),
    )
)
_COUNT = sa.select(sa.func.count()).where(
    _c.tenant_id == _TENANT,
    _c.user_id == bindparam("whose"),
    _c.live_grant_id.is_not(None),
)


async def replace_credential(
    work: Work,
    grant: Grant,
    *,
    issuer: str,
    subject: str,
    sealed: tuple[bytes, bytes | None],
    terms: Terms,
) -> bool:
    """Write a credential over the one before, all or nothing; ``False`` if somebody was faster."""
    rows = await work.execute(
        _REPLACE,
        grant_id=grant.id,
        held=grant.fence,
        held_generation=grant.generation,
        new_issuer=issuer,
        new_subject=subject,
        new_sealed_access=sealed[0],
        new_sealed_refresh=sealed[1],
        new_granted_scopes=list(terms.scopes),
        new_requested_at=terms.requested_at,
        new_access_expires_at=terms.expires_at,
        new_lifetime_seconds=terms.lifetime_seconds,
        new_next_refresh_at=terms.next_refresh_at,
        new_updated_at=work.now,
    )
    return rows.count == 1


async def note_taken(work: Work, grant: Grant) -> bool:
    """Note that the provider takes a credential, now; ``False`` if it is another by now."""
    rows = await work.execute(
        _NOTE_TAKEN,
        grant_id=grant.id,
        held=grant.fence,
        held_generation=grant.generation,
        new_requested_at=work.now,
        new_updated_at=work.now,
    )
    return rows.count == 1


async def count_connections_kept_by(work: Work, user_id: str) -> int:
    """Return how many live connections somebody keeps, for themselves or the tenant."""
    return int((await work.execute(_COUNT, whose=user_id)).scalar() or 0)
