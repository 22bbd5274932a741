"""Initial access tokens in SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.work import Work
from limen.oauth.model import InitialToken
from limen.oauth.tables import initial_access_tokens

_c = initial_access_tokens.c
_VALID: Final = (
    _c.tenant_id == bindparam("tenant_id"),
    _c.token_hash == bindparam("presented_hash"),
    _c.uses_left > 0,
    _c.expires_at > bindparam("moment"),
)
_ADD: Final = sa.insert(initial_access_tokens)
_FIND: Final = sa.select(_c.id).where(*_VALID)
_REDEEM: Final = (
    sa.update(initial_access_tokens)
    .where(*_VALID)
    .values(uses_left=_c.uses_left - 1)
    .returning(_c.id)
)
_LIST: Final = (
    sa.select(*_c)
    .where(_c.tenant_id == bindparam("tenant_id"), _c.id > bindparam("after"))
    .order_by(_c.id)
    .limit(bindparam("most", type_=sa.Integer))
)
_DELETE: Final = (
    sa.delete(initial_access_tokens)
    .where(_c.tenant_id == bindparam("tenant_id"), _c.id == bindparam("id"))
    .returning(_c.id)
)
_SWEEP: Final = sa.delete(initial_access_tokens).where(
    _c.tenant_id == bindparam("tenant_id"), _c.expires_at <= bindparam("moment")
)


async def add_token(work: Work, token: InitialToken, *, token_hash: bytes) -> None:
    """Insert a token by its hash."""
    await work.execute(
        _ADD,
        id=token.id,
        token_hash=token_hash,
        name=token.name,
        uses_left=token.uses_left,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


async def is_valid(work: Work, token_hash: bytes) -> bool:
    """Say whether a token would let a client register; takes nothing from it."""
    found = await work.execute(_FIND, presented_hash=token_hash, moment=work.now)
    return found.first() is not None


async def redeem_token(work: Work, token_hash: bytes) -> bool:
    """Take one use of a token, in one statement; ``False`` if there is none left."""
    return await take(work, _REDEEM, presented_hash=token_hash, moment=work.now) is not None


async def list_tokens(work: Work, *, after: str, most: int) -> list[InitialToken]:
    """Return tokens by id, used up and expired ones included until they are swept."""
    return [_token(row) for row in (await work.execute(_LIST, after=after, most=most)).all()]


async def delete_token(work: Work, token_id: str) -> bool:
    """Delete a token; ``False`` if it is unknown."""
    return (await work.execute(_DELETE, id=token_id)).first() is not None


async def sweep_tokens(work: Work) -> int:
    """Delete expired tokens; return how many."""
    return (await work.execute(_SWEEP, moment=work.now)).count


def _token(row: Row) -> InitialToken:
    return InitialToken(
        id=row.id,
        name=row.name,
        uses_left=row.uses_left,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
