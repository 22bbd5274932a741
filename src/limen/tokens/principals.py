"""Who may hold or receive tokens.

Users and clients live in capabilities above; whoever creates, disables or enables one says so
here in the same transaction, and every token asks here.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from limen.db.work import Work
from limen.kernel.errors import Conflict
from limen.tokens import access_store as store

PrincipalKind = Literal["user", "client"]


async def put(work: Work, *, kind: PrincipalKind, principal_id: str) -> None:
    """Make a user or a client known; nothing happens when it is.

    Raises:
        Conflict: If the id is one of the other kind: a client named like a user would receive
            tokens with that user's ``sub`` (N097).
    """
    if await store.put_principal(work, kind=kind, principal_id=principal_id) != kind:
        raise Conflict("principal_exists", "This identifier is taken.")


async def disable(work: Work, *, principal_id: str) -> None:
    """Let a user or client have no tokens: at once, and those of before never again."""
    await store.set_disabled(work, principal_id)


async def enable(work: Work, *, principal_id: str) -> None:
    """Let a user or client have tokens again; those from before stay dead."""
    await store.set_enabled(work, principal_id)


async def set_expiry(work: Work, *, principal_id: str, at: dt.datetime | None) -> None:
    """Let a client end by itself then, with all its tokens; ``None`` for never."""
    await store.set_expiry(work, principal_id, at=at)


async def set_not_before(work: Work, *, principal_id: str) -> None:
    """Refuse everything begun before this moment, after a password reset say."""
    await store.set_not_before(work, principal_id)


async def not_before(work: Work, *, principal_id: str) -> dt.datetime | None:
    """Return the moment that what began before it is refused; ``None`` if there is none."""
    return await store.find_not_before(work, principal_id)


async def is_enabled(work: Work, *, principal_id: str) -> bool:
    """Say whether tokens may be issued to it; an unknown one may have none."""
    return await store.is_enabled(work, principal_id)
