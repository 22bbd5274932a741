"""The SQL of kept answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.admin.tables import idempotent_answers as answers
from limen.db.types import insert_or_nothing
from limen.db.work import Work

_TENANT: Final = answers.c.tenant_id == bindparam("tenant_id")
_ADD = insert_or_nothing(
    answers, conflict=("tenant_id", "key_hash"), returning=(answers.c.key_hash,)
)
_FIND = sa.select(
    answers.c.id,
    answers.c.request_hash,
    answers.c.status,
    answers.c.sealed_body,
    answers.c.expires_at,
).where(_TENANT, answers.c.key_hash == bindparam("key_hash"))
_DROP = sa.delete(answers).where(
    _TENANT,
    answers.c.key_hash == bindparam("key_hash"),
    answers.c.expires_at <= bindparam("now"),
)
_SWEEP = sa.delete(answers).where(_TENANT, answers.c.expires_at <= bindparam("now"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer as it lies in the table.

    Args:
        id: Names the sealed body.
        request_hash: Of what was asked; the same key for another request is a mistake.
    """

    id: str
    request_hash: bytes
    status: int
    sealed_body: bytes
    expires_at: dt.datetime


async def find_answer(work: Work, key_hash: bytes) -> KeptAnswer | None:
    """Return what was answered under this key, if it is not too long ago."""
    row = (await work.execute(_FIND, key_hash=key_hash)).first()
    if row is None or row.expires_at <= work.now:
        return None
    return KeptAnswer(
        id=row.id,
        request_hash=row.request_hash,
        status=row.status,
        sealed_body=row.sealed_body,
        expires_at=row.expires_at,
    )


async def keep_answer(work: Work, key_hash: bytes, answer: KeptAnswer) -> bool:
    """Keep an answer; ``False`` if another caller with this key was first."""
    await work.execute(_DROP, key_hash=key_hash, now=work.now)
    rows = await work.execute(
        _ADD,
        key_hash=key_hash,
        id=answer.id,
        request_hash=answer.request_hash,
        status=answer.status,
        sealed_body=answer.sealed_body,
        expires_at=answer.expires_at,
    )
    return rows.first() is not None


async def drop_expired(work: Work) -> int:
    """Delete what is past its day; return how many."""
    return (await work.execute(_SWEEP, now=work.now)).count
