"""The SQL of links and codes that were mailed. Taking one deletes its row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.accounts.tables import account_tokens
from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.work import Work

Purpose = Literal["verify", "reset", "change"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
MAX_ATTEMPTS: Final = 5
"""So many wrong codes and a code is dead; the link beside it lives on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountToken:
    """A link, and perhaps a code, that was mailed.

    Args:
        id: Names the row.
        user_id: Whom it is for.
        purpose: What it opens, and nothing else.
        address: The mailbox it proves.
        code_mac: Of the short code, if there is one.
        password_hash: What whoever asked for it chose, where that differs from the account's.
        claims: Likewise.
    """

    id: str
    user_id: str
    purpose: Purpose
    address: str
    code_mac: bytes | None = None
    password_hash: str | None = None
    claims: Mapping[str, Any] | None = None


_COLUMNS: Final = (
    account_tokens.c.id,
    account_tokens.c.user_id,
    account_tokens.c.purpose,
    account_tokens.c.address,
    account_tokens.c.code_mac,
    account_tokens.c.password_hash,
    account_tokens.c.claims,
)
_TENANT: Final = account_tokens.c.tenant_id == bindparam("tenant_id")
_LIVE: Final = account_tokens.c.expires_at > bindparam("now")
_BY_LINK: Final = (
    _TENANT,
    account_tokens.c.token_hash == bindparam("token_hash"),
    account_tokens.c.purpose == bindparam("purpose"),
    _LIVE,
)
_OF_USER: Final = (
    _TENANT,
    account_tokens.c.user_id == bindparam("user_id"),
    account_tokens.c.purpose == bindparam("purpose"),
)

_ADD = sa.insert(account_tokens)
_FIND = sa.select(*_COLUMNS).where(*_BY_LINK)
_TAKE = sa.delete(account_tokens).where(*_BY_LINK).returning(*_COLUMNS)
_TAKE_BY_ID = (
    sa.delete(account_tokens)
    .where(_TENANT, account_tokens.c.id == bindparam("token_id"), _LIVE)
    .returning(*_COLUMNS)
)
_SPEND_ATTEMPT = (
    sa.update(account_tokens)
    .where(
        _TENANT,
        account_tokens.c.address == bindparam("address"),
        account_tokens.c.purpose == "verify",
        account_tokens.c.code_mac.is_not(None),
        account_tokens.c.attempts < MAX_ATTEMPTS,
        _LIVE,
    )
    .values(attempts=account_tokens.c.attempts + 1)
    .returning(*_COLUMNS)
)
_DELETE_OF_USER = sa.delete(account_tokens).where(*_OF_USER)
_DELETE_PLAIN_OF_USER = sa.delete(account_tokens).where(
    *_OF_USER, account_tokens.c.password_hash.is_(None)
)
_PENDING = (
    sa.select(account_tokens.c.id)
    .where(*_OF_USER, account_tokens.c.password_hash.is_not(None), _LIVE)
    .limit(1)
)
_SWEEP = sa.delete(account_tokens).where(_TENANT, account_tokens.c.expires_at <= bindparam("now"))


async def add_token(
    work: Work, token: AccountToken, *, token_hash: bytes, expires_at: dt.datetime
) -> None:
    """Insert a token."""
    await work.execute(
        _ADD,
        id=token.id,
        user_id=token.user_id,
        purpose=token.purpose,
        address=token.address,
        token_hash=token_hash,
        code_mac=token.code_mac,
        attempts=0,
        password_hash=token.password_hash,
        claims=None if token.claims is None else dict(token.claims),
        created_at=work.now,
        expires_at=expires_at,
    )


async def find_token(work: Work, *, token_hash: bytes, purpose: Purpose) -> AccountToken | None:
    """Return a live token without taking it."""
    rows = await work.execute(_FIND, token_hash=token_hash, purpose=purpose, now=work.now)
    row = rows.first()
    return None if row is None else _token(row)


async def take_token(work: Work, *, token_hash: bytes, purpose: Purpose) -> AccountToken | None:
    """Consume a live token; of any number of callers one gets it."""
    row = await take(work, _TAKE, token_hash=token_hash, purpose=purpose, now=work.now)
    return None if row is None else _token(row)


async def take_token_by_id(work: Work, token_id: str) -> AccountToken | None:
    """Consume the live token whose code was right; of any number of callers one gets it."""
    row = await take(work, _TAKE_BY_ID, token_id=token_id, now=work.now)
    return None if row is None else _token(row)


async def spend_attempt(work: Work, *, address: str) -> list[AccountToken]:
    """Count one guess against every live code of an address; return those it may be tried on."""
    rows = await work.execute(_SPEND_ATTEMPT, address=address, now=work.now)
    return [_token(row) for row in rows.all()]


async def delete_tokens(
    work: Work, *, user_id: str, purpose: Purpose, pending_too: bool = True
) -> None:
    """Delete a person's tokens of one purpose.

    Args:
        work: The transaction.
        user_id: Whose.
        purpose: Which.
        pending_too: Also those that carry a password of their own.
    """
    statement = _DELETE_OF_USER if pending_too else _DELETE_PLAIN_OF_USER
    await work.execute(statement, user_id=user_id, purpose=purpose)


async def has_pending(work: Work, *, user_id: str) -> bool:
    """Say whether a live link would let another password stand than the account's."""
    rows = await work.execute(_PENDING, user_id=user_id, purpose="verify", now=work.now)
    return rows.first() is not None


async def sweep_tokens(work: Work) -> int:
    """Delete expired tokens; return how many."""
    return (await work.execute(_SWEEP, now=work.now)).count


def _token(row: Row) -> AccountToken:
    members = row._asdict()
    members["purpose"] = cast("Purpose", row.purpose)
    return AccountToken(**members)
