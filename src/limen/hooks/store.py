"""Hooks in SQL."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.work import Work
from limen.hooks.model import Hook
from limen.hooks.tables import hooks

KIND: Final = "hooks"
"""What a cache of them is called."""

MAX_HOOKS: Final = 10
"""At one point of one tenant: each is waited for."""

_ADD: Final = sa.insert(hooks)
_LIST: Final = (  # scans: a tenant has ten hooks at a point at most
    sa.select(*hooks.c)
    .where(hooks.c.tenant_id == bindparam("tenant_id"))
    .order_by(hooks.c.created_at, hooks.c.id)
)
_REMOVE: Final = (
    sa.delete(hooks)
    .where(hooks.c.tenant_id == bindparam("tenant_id"), hooks.c.id == bindparam("hook_id"))
    .returning(hooks.c.point)
)


async def add_hook(work: Work, hook: Hook) -> None:
    """Insert a hook."""
    await work.execute(
        _ADD,
        id=hook.id,
        point=hook.point,
        url=hook.url,
        deadline_ms=round(hook.deadline.total_seconds() * 1000),
        optional=hook.optional,
        sealed_secret=hook.sealed_secret,
        created_at=hook.created_at,
    )


async def list_hooks(work: Work) -> list[Hook]:
    """Return the tenant's hooks in the order they are asked."""
    return [_hook(row) for row in (await work.execute(_LIST)).all()]


async def hooks_at(work: Work, point: str) -> tuple[Hook, ...]:
    """Return those asked at a point; there are never many in all."""
    return tuple(hook for hook in await list_hooks(work) if hook.point == point)


async def remove_hook(work: Work, hook_id: str) -> str | None:
    """Delete a hook and return where it was asked; ``None`` if there is none."""
    row = (await work.execute(_REMOVE, hook_id=hook_id)).first()
    return None if row is None else str(row.point)


def _hook(row: Row) -> Hook:
    return Hook(
        id=row.id,
        point=row.point,
        url=row.url,
        deadline=dt.timedelta(milliseconds=row.deadline_ms),
        optional=row.optional,
        created_at=row.created_at,
        sealed_secret=row.sealed_secret,
    )
