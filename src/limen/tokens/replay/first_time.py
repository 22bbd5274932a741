"""Remember what may be presented once: assertions, proofs, one-time passwords.

In the database, so that neither another node nor a restart forgets (N063, N256).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Literal

from limen.db.work import Work
from limen.tokens.replay import store

Presented = Literal[
    "client_assertion", "dpop_proof", "request_object", "assertion", "totp", "provider_event"
]


async def first_time(
    work: Work, *, kind: Presented, of: str, value: str, until: dt.datetime
) -> bool:
    """Remember that something was presented, and say whether this was the first time.

    One statement: of any number of concurrent callers, on any node, one is told yes. The marker
    stays even if the request is refused afterwards.

    Args:
        work: The transaction it belongs to.
        kind: What it is; values of different kinds do not collide.
        of: Whose it is: a client, a key, a user.
        value: What must not come again: a ``jti``, a time step.
        until: From when on it would be refused for its age anyway.
    """
    told = f"{kind} {len(of)} {of}{value}".encode("utf-8", "surrogatepass")
    marker = hashlib.sha256(told).digest()

    async def remember(keep: Work) -> None:
        await store.mark(keep, marker, until=until)

    if not await store.mark(work, marker, until=until):
        return False
    work.even_if_refused(remember)
    return True
