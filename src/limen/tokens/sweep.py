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

_CLOCKS_APART: Final = dt.timedelta(minutes=2)
"""How far the clocks of two nodes may be apart: each is ready within a minute of the database's.

What says no, a replay's marker or a revocation, is kept so much longer: the node that deletes it
is not always the one that still accepts what it speaks of.
"""


async def sweep(works: Works) -> int:
    """Erase successors whose grace is over, and tokens, revocations, grants, keys long past.

    Returns:
        How many rows changed.
    """

    async def body(work: Work) -> int:
        surely = work.now - _CLOCKS_APART
        swept = await access_store.sweep(work, long_ago=work.now - _KEPT, surely=surely)
        swept += await key_store.sweep(work, long_ago=work.now - _KEPT)
        return swept + await replay_store.sweep(work, surely=surely)

    return await works.run(ALL_TENANTS, body)
