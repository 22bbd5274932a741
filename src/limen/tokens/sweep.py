"""Delete what is of no use any more; a loop calls it every minute or so."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work, Works
from limen.kernel.site import ALL_TENANTS
from limen.tokens import access_store
from limen.tokens.api_keys import store as key_store
from limen.tokens.replay import store as replay_store

_KEPT: Final = dt.timedelta(days=30)
"""How long an ended grant stays, for an operator to see what was."""


async def sweep(works: Works) -> int:
    """Erase successors whose grace is over, and tokens, revocations, grants, keys long past.

    Returns:
        How many rows changed.
    """

    async def body(work: Work) -> int:
        swept = await access_store.sweep(work, long_ago=work.now - _KEPT)
        swept += await key_store.sweep(work, long_ago=work.now - _KEPT)
        return swept + await replay_store.sweep(work)

    return await works.run(ALL_TENANTS, body)
