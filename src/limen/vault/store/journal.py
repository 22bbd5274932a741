"""The vault's SQL for refreshes: lease, intent, journal, compare-and-swap.

Leases and back-off run on the database's clock (``DbNow``); when a token is due, on the
business clock that development may move.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.fair.leases import Key
from limen.db.types import DbNow
from limen.db.work import Work
from limen.vault.model import Grant, Intent, Terms
from limen.vault.store.grants import FRESH_TOKENS, WHOLE_GRANT, to_grant
from limen.vault.tables import refresh_intents, upstream_grants

_g = upstream_grants.c
_i = refresh_intents.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")
NOW = bindparam("now", type_=_g.next_refresh_at.type)
_RESTED_AT = bindparam("rested_at", type_=_g.next_refresh_at.type)
LEASE = {
    "lease_owner": bindparam("owner"),
    "lease_until": DbNow(bindparam("lease_seconds", type_=sa.Float)),
    "fence": _g.fence + 1,
}
_NO_LEASE = {"lease_owner": None, "lease_until": None}
FREE = sa.or_(_g.lease_until.is_(None), _g.lease_until < DbNow())
RESTED = sa.or_(_g.retry_at.is_(None), _g.retry_at <= DbNow())
REFRESHABLE = sa.or_(_g.state == "active", sa.and_(_g.state == "uncertain", _g.grace_until > NOW))

# Also the write probe: a database that can't keep the answer is found out here, before the
# refresh token is spent (F7).
_CLAIM = (
    sa.update(upstream_grants)
    .where(
        _g.tenant_id == _TENANT,
        _g.id == bindparam("grant_id"),
        _g.generation == bindparam("seen_generation"),
        REFRESHABLE,
        FREE,
        RESTED,
    )
    .values(**LEASE)
    .returning(*WHOLE_GRANT)
)
_picked = (
    sa.select(_g.tenant_id, _g.id)
    .where(_g.next_refresh_at <= NOW, REFRESHABLE, FREE, RESTED)
    .order_by(_g.next_refresh_at)
    .limit(bindparam("batch", type_=sa.Integer))
    .with_for_update(skip_locked=True)
    .cte("picked")
)
# tenant: all, the loop serves every one and refreshes each in a Work of its own
_CLAIM_DUE = (
    sa.update(upstream_grants)
    .where(
        sa.tuple_(_g.tenant_id, _g.id).in_(sa.select(_picked.c.tenant_id, _picked.c.id)),
    )
    .values(**LEASE)
    .returning(_g.tenant_id, *WHOLE_GRANT)
)
_HELD = (
    sa.select(*WHOLE_GRANT)
    .where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"), _g.fence == bindparam("held"))
    .with_for_update(of=upstream_grants)
)
_ANSWERED = (
    sa.select(
        *WHOLE_GRANT,
        sa.exists()
        .where(_i.tenant_id == _g.tenant_id, _i.grant_id == _g.id, _i.fence == bindparam("held"))
        .label("is_open"),
    )
    .where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"))
    .with_for_update(of=upstream_grants)
)
# A lease that is gone was ended by the late answer of an earlier holder: nothing is left to do.
_RENEW_LEASE = (
    sa.update(upstream_grants)
    .where(
        _g.tenant_id == _TENANT,
        _g.id == bindparam("grant_id"),
        _g.fence == bindparam("held"),
        _g.lease_until.is_not(None),
    )
    .values(lease_until=DbNow(bindparam("lease_seconds", type_=sa.Float)))
    .returning(*WHOLE_GRANT)
)
_SEIZE = (
    sa.update(upstream_grants)
    .where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"), FREE)
    .values(**LEASE)
    .returning(*WHOLE_GRANT)
)
_MINE = (_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"), _g.fence == bindparam("held"))
# A late answer of an earlier holder may have moved the tokens on without touching the fence:
# whoever then learns that the old ones are dead has learnt nothing (F13).
_UNMOVED = (*_MINE, _g.generation == bindparam("held_generation"))
# Spelled out: a list, even a fixed one, would be written into the text anew with every call.
_UNENDED = sa.or_(_g.state == "active", _g.state == "uncertain")
# A rotation that was given up as lost and comes after all: tokens in hand prove the opposite.
_TAKES_TOKENS = sa.or_(
    _UNENDED,
    sa.and_(_g.state == "reauth_required", _g.reason == "lost_rotation"),
)
SWAP = (
    sa.update(upstream_grants)
    .where(*_UNMOVED, _TAKES_TOKENS)
    .values(
        **FRESH_TOKENS,
        generation=_g.generation + 1,
        refresh_ends_at=bindparam("new_refresh_ends_at"),
        reconnect_by=bindparam("new_reconnect_by"),
        remind_at=bindparam("new_remind_at"),
        grace_until=None,
        **_NO_LEASE,
    )
)
# The loop finds what is due by this moment alone: what rests would otherwise be read, and left
# out, with every claim of an incident. What is never refreshed by time stays so.
_NOT_DUE = {
    "next_refresh_at": sa.case(
        (_g.next_refresh_at < _RESTED_AT, _RESTED_AT),
        else_=_g.next_refresh_at,
    ),
    **_NO_LEASE,
}
_RESTING = {"retry_at": DbNow(bindparam("delay_seconds", type_=sa.Float)), **_NOT_DUE}
_GIVE_BACK = sa.update(upstream_grants).where(*_MINE).values(**_NOT_DUE)
_BACK_OFF = sa.update(upstream_grants).where(*_MINE).values(failures=_g.failures + 1, **_RESTING)
DEFER = sa.update(upstream_grants).where(*_MINE).values(**_RESTING)
_CHANGE_STATE = (
    sa.update(upstream_grants)
    .where(*_UNMOVED, _UNENDED)
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        next_refresh_at=bindparam("new_next_refresh_at"),
        grace_until=bindparam("new_grace_until"),
        **_NO_LEASE,
        updated_at=bindparam("new_updated_at"),
    )
)

_ADD_INTENT = sa.insert(refresh_intents)
JOURNAL = (
    sa.update(refresh_intents)
    .where(
        _i.tenant_id == _TENANT,
        _i.grant_id == bindparam("intent_grant_id"),
        _i.fence == bindparam("held"),
    )
    .values(sealed_response=bindparam("new_sealed_response"))
)
SETTLE = sa.delete(refresh_intents).where(
    _i.tenant_id == _TENANT,
    _i.grant_id == bindparam("intent_grant_id"),
    _i.fence == bindparam("held"),
)
_INTENTS_OF = (
    sa.select(_i.grant_id, _i.fence, _i.generation, _i.sent_at, _i.sealed_response)
    .where(_i.tenant_id == _TENANT, _i.grant_id == bindparam("grant_id"))
    .order_by(_i.fence)
)
# tenant: all, as the claim
# scans: the journal, which is empty but for refreshes under way
_ABANDONED = (
    sa.select(_i.tenant_id, _i.grant_id)
    .join(upstream_grants, sa.and_(_g.tenant_id == _i.tenant_id, _g.id == _i.grant_id))
    .where(FREE)
    .distinct()
    .limit(bindparam("batch", type_=sa.Integer))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A grant the loop has leased.

    Args:
        grant: As it was then, under our fence.
    """

    tenant_id: str
    grant: Grant

    @property
    def key(self) -> Key:
        """For whom it counts in the loop."""
        return Key(self.tenant_id, self.grant.provider, self.grant.id)

    @property
    def fence(self) -> int:
        """What the lease is known by."""
        return self.grant.fence


async def claim_grant(
    work: Work, *, grant_id: str, seen_generation: int, owner: str, lease_seconds: float
) -> Grant | None:
    """Lease a grant that is still at the generation seen; one of any number of callers gets it."""
    row = (
        await work.execute(
            _CLAIM,
            grant_id=grant_id,
            seen_generation=seen_generation,
            owner=owner,
            lease_seconds=lease_seconds,
            now=work.now,
        )
    ).first()
    return None if row is None else to_grant(row)


async def claim_due(work: Work, *, batch: int, owner: str, lease_seconds: float) -> list[Due]:
    """Lease the grants of all tenants that are due, so many at most."""
    rows = await work.execute(
        _CLAIM_DUE, batch=batch, owner=owner, lease_seconds=lease_seconds, now=work.now
    )
    return [Due(tenant_id=row.tenant_id, grant=to_grant(row)) for row in rows.all()]


async def held_grant(work: Work, *, grant_id: str, fence: int) -> Grant | None:
    """Return a grant whose lease is still ours, locked."""
    row = (await work.execute(_HELD, grant_id=grant_id, held=fence)).first()
    return None if row is None else to_grant(row)


async def answered_grant(work: Work, *, grant_id: str, fence: int) -> tuple[Grant, bool] | None:
    """Return a grant as it is now, locked, and whether the intent of that fence still stands."""
    row = (await work.execute(_ANSWERED, grant_id=grant_id, held=fence)).first()
    return None if row is None else (to_grant(row), bool(row.is_open))


async def renew_lease(
    work: Work, *, grant_id: str, fence: int, lease_seconds: float
) -> Grant | None:
    """Extend our lease: a grant that waited for its turn in a batch starts with a whole one."""
    row = (
        await work.execute(_RENEW_LEASE, grant_id=grant_id, held=fence, lease_seconds=lease_seconds)
    ).first()
    return None if row is None else to_grant(row)


async def seize_grant(
    work: Work, *, grant_id: str, owner: str, lease_seconds: float
) -> Grant | None:
    """Lease a grant whatever its state, to settle what a crash left of it."""
    row = (
        await work.execute(_SEIZE, grant_id=grant_id, owner=owner, lease_seconds=lease_seconds)
    ).first()
    return None if row is None else to_grant(row)


def swap_params(
    work: Work, grant: Grant, *, sealed_access: bytes, sealed_refresh: bytes | None, terms: Terms
) -> dict[str, Any]:
    """Return the parameters of ``SWAP``."""
    return {
        "grant_id": grant.id,
        "held": grant.fence,
        "held_generation": grant.generation,
        "new_sealed_access": sealed_access,
        "new_sealed_refresh": sealed_refresh,
        "new_granted_scopes": list(terms.scopes),
        "new_requested_at": terms.requested_at,
        "new_access_expires_at": terms.expires_at,
        "new_lifetime_seconds": terms.lifetime_seconds,
        "new_next_refresh_at": terms.next_refresh_at,
        "new_refresh_ends_at": terms.refresh_ends_at,
        "new_reconnect_by": terms.reconnect_by,
        "new_remind_at": terms.remind_at,
        "new_updated_at": work.now,
    }


async def swap_tokens(
    work: Work,
    *,
    grant: Grant,
    sealed_access: bytes,
    sealed_refresh: bytes | None,
    terms: Terms,
) -> bool:
    """Commit new tokens, all or nothing, unless the grant was superseded meanwhile."""
    told = swap_params(
        work, grant, sealed_access=sealed_access, sealed_refresh=sealed_refresh, terms=terms
    )
    rows = await work.execute(SWAP, **told)
    return rows.count == 1


async def give_back(work: Work, grant: Grant, *, seconds: float = 0.0) -> None:
    """End the lease; nothing came of it.

    Args:
        work: The transaction.
        grant: Under our lease.
        seconds: For so long it is not due; whoever asks for a token is served nevertheless.
    """
    rested_at = work.now + dt.timedelta(seconds=seconds)
    await work.execute(_GIVE_BACK, grant_id=grant.id, held=grant.fence, rested_at=rested_at)


def rest_params(work: Work, grant: Grant, *, seconds: float) -> dict[str, Any]:
    """Return the parameters of ``DEFER``."""
    rested_at = work.now + dt.timedelta(seconds=seconds)
    return {
        "grant_id": grant.id,
        "held": grant.fence,
        "delay_seconds": seconds,
        "rested_at": rested_at,
    }


async def back_off(work: Work, grant: Grant, *, seconds: float) -> None:
    """End the lease and ask nothing for a while."""
    await work.execute(_BACK_OFF, **rest_params(work, grant, seconds=seconds))


async def defer(work: Work, grant: Grant, *, seconds: float) -> None:
    """End the lease and wait, through no fault of this grant."""
    await work.execute(DEFER, **rest_params(work, grant, seconds=seconds))


async def change_state(
    work: Work, grant: Grant, *, state: str, reason: str, grace_until: dt.datetime | None = None
) -> bool:
    """Move a live grant to another state; ``False`` if the lease was lost.

    With a grace the loop tries again at once: nobody may ask before that is over.
    """
    rows = await work.execute(
        _CHANGE_STATE,
        grant_id=grant.id,
        held=grant.fence,
        held_generation=grant.generation,
        new_state=state,
        new_reason=reason,
        new_next_refresh_at=None if grace_until is None else work.now,
        new_grace_until=grace_until,
        new_updated_at=work.now,
    )
    return rows.count == 1


async def add_intent(work: Work, grant: Grant, *, refresh_fingerprint: bytes) -> None:
    """Note, before anything is sent, that this refresh token is about to be spent."""
    await work.execute(
        _ADD_INTENT,
        grant_id=grant.id,
        fence=grant.fence,
        generation=grant.generation,
        refresh_fingerprint=refresh_fingerprint,
        sent_at=work.now,
    )


async def journal_response(work: Work, grant: Grant, *, sealed_response: bytes) -> bool:
    """Keep the provider's answer before anything is made of it.

    Returns:
        ``False`` if others have given the intent up meanwhile.
    """
    rows = await work.execute(
        JOURNAL,
        intent_grant_id=grant.id,
        held=grant.fence,
        new_sealed_response=sealed_response,
    )
    return rows.count == 1


async def settle_intent(work: Work, *, grant_id: str, fence: int) -> None:
    """Drop an intent: what it led to is committed with this."""
    await work.execute(SETTLE, intent_grant_id=grant_id, held=fence)


async def intents_of(work: Work, grant_id: str) -> list[Intent]:
    """Return a grant's open intents, oldest first."""
    rows = await work.execute(_INTENTS_OF, grant_id=grant_id)
    return [Intent(**row._asdict()) for row in rows.all()]


async def abandoned(work: Work, *, batch: int) -> list[tuple[str, str]]:
    """Return (tenant, grant) of intents whose refresher is gone."""
    rows = await work.execute(_ABANDONED, batch=batch)
    return [(row.tenant_id, row.grant_id) for row in rows.all()]
