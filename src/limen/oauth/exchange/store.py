"""Exchange policies in SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.tables import exchange_policies

_c = exchange_policies.c
_THIS: Final = (_c.tenant_id == bindparam("tenant_id"), _c.client_id == bindparam("id"))
_FIND: Final = sa.select(_c.policy).where(*_THIS)
_ADD: Final = insert_or_nothing(
    exchange_policies, conflict=("tenant_id", "client_id"), returning=(_c.client_id,)
)
_CHANGE: Final = (
    sa.update(exchange_policies)
    .where(*_THIS)
    .values(policy=bindparam("new_policy"), updated_at=bindparam("new_updated_at"))
)
_DROP: Final = sa.delete(exchange_policies).where(*_THIS).returning(_c.client_id)


async def find_policy(work: Work, client_id: str) -> ExchangePolicy | None:
    """Return what a client may exchange; ``None`` if nothing was ever allowed."""
    row = (await work.execute(_FIND, id=client_id)).first()
    return None if row is None else ExchangePolicy.model_validate(row.policy)


async def put_policy(work: Work, client_id: str, policy: ExchangePolicy) -> None:
    """Set what a client may exchange."""
    said = policy.model_dump(mode="json")
    added = await work.execute(_ADD, client_id=client_id, policy=said, updated_at=work.now)
    if added.first() is None:
        await work.execute(_CHANGE, id=client_id, new_policy=said, new_updated_at=work.now)


async def drop_policy(work: Work, client_id: str) -> bool:
    """Let a client exchange nothing; ``False`` if it could not before."""
    return (await work.execute(_DROP, id=client_id)).first() is not None
