"""Disable a resource, or let tokens be issued for it again."""

from __future__ import annotations

from limen.db.cache import forget
from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.oauth.events import ResourceDisabled, ResourceEnabled
from limen.oauth.store import resources as store
from limen.tokens.api_keys.limit import resume_keys, suspend_keys


async def disable_resource(work: Work, *, identifier: str) -> None:
    """Issue no more tokens for a resource; those it has seen live on until they expire.

    API keys live too long for that: they open it no more, until it is enabled again (N049).

    Args:
        work: Its tenant.
        identifier: In canonical form.

    Raises:
        NotFound: ``resource_not_found``.
    """
    if not await store.set_disabled(work, identifier, at=work.now):
        raise _not_found()
    await suspend_keys(work, audience=identifier)
    forget(work, kind="resource", name=identifier)
    forget(work, kind="detail_types", name="")
    await work.record(ResourceDisabled(resource=identifier))


async def enable_resource(work: Work, *, identifier: str) -> None:
    """Issue tokens for a resource again.

    Raises:
        NotFound: ``resource_not_found``.
    """
    if not await store.set_disabled(work, identifier, at=None):
        raise _not_found()
    await resume_keys(work, audience=identifier)
    forget(work, kind="resource", name=identifier)
    forget(work, kind="detail_types", name="")
    await work.record(ResourceEnabled(resource=identifier))


def _not_found() -> NotFound:
    return NotFound("resource_not_found", "There is no such resource.")
