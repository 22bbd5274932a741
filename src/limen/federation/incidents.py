"""A provider refuses or slows us as a client: an incident of ours, and of no user's connection."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.federation import store
from limen.federation.events import UpstreamClientFailing

_BROKEN_SECONDS: Final = 60.0
_THROTTLED_SECONDS: Final = 30.0


async def note_client_failing(work: Work, *, provider: str, reason: str) -> None:
    """Stop asking for a minute: our secret expired, or the registration is gone (F20)."""
    await store.block_client(work, provider=provider, incident=reason, seconds=_BROKEN_SECONDS)
    await work.record(UpstreamClientFailing(provider=provider, reason=reason))


async def note_client_throttled(
    work: Work, *, provider: str, retry_after_seconds: int | None
) -> None:
    """Stop asking for as long as the provider says, for all connections of this client (F16)."""
    seconds = _THROTTLED_SECONDS if retry_after_seconds is None else float(retry_after_seconds)
    await store.block_client(work, provider=provider, incident=None, seconds=seconds)


async def note_client_works(work: Work, *, provider: str) -> None:
    """The provider answered us: whatever ailed is over."""
    await store.clear_incident(work, provider=provider)
