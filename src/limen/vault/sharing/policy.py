"""What an administrator lets a client do with the connections people share with it."""

from __future__ import annotations

from typing import Literal, cast

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.vault.events import ReleasePolicySet
from limen.vault.parts import Parts
from limen.vault.store import sharing

Mode = Literal["raw", "proxy", "none"]
"""``raw``: it may be given tokens; ``proxy``: it may have them used for it; ``none``."""


async def set_release_policy(work: Work, parts: Parts, *, client_id: str, mode: Mode) -> None:
    """Set what a client may do; in force with the next request.

    Raises:
        NotFound: ``client_not_found``.
    """
    await check_client(work, parts, client_id=client_id)
    await sharing.put_policy(work, client_id=client_id, mode=mode)
    await work.record(ReleasePolicySet(client_id=client_id, mode=mode))


async def get_release_policy(work: Work, *, client_id: str) -> Mode:
    """Return what a client may do: nothing, unless somebody said otherwise."""
    return cast("Mode", await sharing.find_policy(work, client_id) or "none")


async def check_client(work: Work, parts: Parts, *, client_id: str) -> None:
    """Refuse a client that is not there, or switched off.

    Raises:
        NotFound: ``client_not_found``.
    """
    client = await parts.clients.fresh(work, client_id)
    if client is None or not client.is_active:
        raise NotFound("client_not_found", "There is no such client.")
