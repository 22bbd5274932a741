"""The vault's SQL for APIs that want to be left alone."""

from __future__ import annotations

import datetime as dt
from typing import cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.vault.tables import api_pauses

_p = api_pauses.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_UNTIL = sa.select(_p.until).where(
    _p.tenant_id == _TENANT, _p.grant_id == bindparam("whose"), _p.host == bindparam("at")
)
_PAUSE = upsert(
    api_pauses,
    conflict=("tenant_id", "grant_id", "host"),
    changes={"until": bindparam("until", type_=_p.until.type)},
)


async def paused_until(work: Work, *, grant_id: str, host: str) -> dt.datetime | None:
    """Return until when a host wants nothing for a grant; ``None`` if it never said."""
    found = await work.execute(_UNTIL, whose=grant_id, at=host)
    return cast("dt.datetime | None", found.scalar())


async def pause(work: Work, *, grant_id: str, host: str, seconds: int) -> None:
    """Note that a host wants to be left alone."""
    until = work.now + dt.timedelta(seconds=seconds)
    await work.execute(_PAUSE, grant_id=grant_id, host=host, until=until)
