"""What an administrator lets a client do with the connections people share with it."""

from __future__ import annotations

from typing import Literal, cast

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.vault.events import ReleasePolicySet
from limen.vault.store import sharing

Mode = Literal["raw", "proxy", "none"]
"""``raw``: it may be given tokens; ``proxy``: it may have them used for it; ``none``."""


async def set_release_policy(work: Work, *, client_id: str, mode: Mode) -> None:
    """Set what a client may do; in force with the next request.

    Raises:
        NotFound: ``client_not_found``.
    """
    if not await sharing.put_policy(work, client_id=client_id, mode=mode):
        raise NotFound("client_not_found", "There is no such client.")
    await work.record(ReleasePolicySet(client_id=client_id, mode=mode))


async def get_release_policy(work: Work, *, client_id: str) -> Mode:
    """Return what a client may do: nothing, unless somebody said otherwise."""
    return cast("Mode", await sharing.find_policy(work, client_id) or "none")
