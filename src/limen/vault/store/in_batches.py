"""The vault's SQL for many grants at once: each row is judged by itself, all in one message.

What ``journal`` asks before it writes for one grant is asked here too, of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import DbNow
from limen.db.work import Work
from limen.vault.model import Grant
from limen.vault.store.journal import DEFER, JOURNAL, SETTLE, SWAP, rest_params
from limen.vault.tables import refresh_intents, upstream_grants

_g = upstream_grants.c
_i = refresh_intents.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

# One look at both tables, and no lock on either. Whoever came late with an answer for this grant
# moves it on and drops an intent in one transaction: before it there is the intent, after it the
# grant has moved, so that nothing is sent a second time. What begins later finds this intent.
_ADD_INTENTS = (
    sa.insert(refresh_intents)
    .from_select(
        ["tenant_id", "grant_id", "fence", "generation", "refresh_fingerprint", "sent_at"],
        sa.select(
            _g.tenant_id,
            _g.id,
            _g.fence,
            _g.generation,
            bindparam("refresh_fingerprint", type_=sa.LargeBinary),
            bindparam("sent_at", type_=_i.sent_at.type),
        ).where(
            _g.tenant_id == _TENANT,
            _g.id == bindparam("of_grant"),
            _g.fence == bindparam("held"),
            _g.generation == bindparam("held_generation"),
            _g.lease_until > DbNow(),
            ~sa.exists().where(_i.tenant_id == _g.tenant_id, _i.grant_id == _g.id),
        ),
    )
    .returning(_i.grant_id)
)
_JOURNAL_EACH = JOURNAL.returning(_i.grant_id)
_SWAP_EACH = SWAP.returning(_g.id)
# Only what was ended by an answer that turned out to be everybody's.
_REINSTATE = (
    sa.update(upstream_grants)
    .where(
        _g.tenant_id == _TENANT,
        _g.id.in_(bindparam("ids", expanding=True)),
        _g.state == "reauth_required",
        sa.or_(_g.reason == "refused_by_provider", _g.reason == "interaction_required"),
        _g.sealed_refresh.is_not(None),
    )
    .values(
        state="active",
        reason=None,
        next_refresh_at=bindparam("new_next_refresh_at"),
        retry_at=DbNow(bindparam("delay_seconds", type_=sa.Float)),
        updated_at=bindparam("new_updated_at"),
    )
    .returning(_g.id, _g.provider)
)


class Sent(NamedTuple):
    """What is about to be sent for a grant.

    Args:
        refresh_fingerprint: Of its refresh token.
    """

    grant: Grant
    refresh_fingerprint: bytes


class Kept(NamedTuple):
    """What came back for a grant, sealed."""

    grant: Grant
    sealed_response: bytes


async def add_intents(work: Work, sent: Iterable[Sent]) -> set[str]:
    """Note that these refresh tokens are about to be spent.

    Returns:
        The grants that stand as they were leased and have no other intent; the others are to be
        looked at one by one.
    """
    rows = [
        {
            "of_grant": grant.id,
            "held": grant.fence,
            "held_generation": grant.generation,
            "refresh_fingerprint": fingerprint,
            "sent_at": work.now,
        }
        for grant, fingerprint in sent
    ]
    return {row.grant_id for row in await work.fetch_each(_ADD_INTENTS, rows)}


async def journal_responses(work: Work, kept: Iterable[Kept]) -> set[str]:
    """Keep providers' answers; return the grants whose intents still stand."""
    rows = [
        {"intent_grant_id": grant.id, "held": grant.fence, "new_sealed_response": sealed}
        for grant, sealed in kept
    ]
    return {row.grant_id for row in await work.fetch_each(_JOURNAL_EACH, rows)}


async def swap_tokens(work: Work, swaps: Sequence[Mapping[str, Any]]) -> set[str]:
    """Commit new tokens for each, unless it was superseded meanwhile; return which were.

    Args:
        work: Says the tenant.
        swaps: As ``journal.swap_params`` makes them.
    """
    return {row.id for row in await work.fetch_each(_SWAP_EACH, swaps)}


async def settle_intents(work: Work, grants: Iterable[Grant]) -> None:
    """Drop the intents of these grants under their fences."""
    rows = [{"intent_grant_id": grant.id, "held": grant.fence} for grant in grants]
    await work.execute_many(SETTLE, rows)


async def defer(work: Work, grants: Iterable[Grant], *, least_seconds: float) -> None:
    """End the leases and wait, each a little longer by its own jitter, so not all at once."""
    rows = [
        rest_params(work, grant, seconds=least_seconds * (1 + grant.jitter / 2)) for grant in grants
    ]
    await work.execute_many(DEFER, rows)


async def reinstate(work: Work, ids: Sequence[str], *, seconds: float) -> list[str]:
    """Undo the end of grants that were refused as part of a burst; return which."""
    if not ids:
        return []
    rows = await work.execute(
        _REINSTATE,
        ids=list(ids),
        delay_seconds=seconds,
        new_next_refresh_at=work.now,
        new_updated_at=work.now,
    )
    return [row.id for row in rows.all()]
