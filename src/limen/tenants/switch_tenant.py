"""Suspend a tenant, and have it answer again."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import Conflict, NotFound
from limen.tenants import store
from limen.tenants.events import TenantResumed, TenantSuspended
from limen.tenants.tenant import DEFAULT_SLUG, TenantState


async def suspend_tenant(work: Work) -> None:
    """Have the tenant of this Work answer nobody: as if it were not there.

    At once in this process, elsewhere when the directory is next refreshed. What it holds is
    kept, and what it does in the background goes on. An access token that others verify by
    themselves lives until it expires.

    Args:
        work: In the tenant; one that is suspended already stays so.

    Raises:
        Conflict: ``tenant_is_default``: at its address is what answers for all.
        NotFound: ``tenant_not_found``.
    """
    if work.site.slug == DEFAULT_SLUG:
        raise Conflict("tenant_is_default", "The default tenant can't be disabled.")
    if await _switch(work, "suspended"):
        await work.record(TenantSuspended(slug=work.site.slug))


async def resume_tenant(work: Work) -> None:
    """Have the tenant of this Work answer again, with all that it had.

    Raises:
        NotFound: ``tenant_not_found``.
    """
    if await _switch(work, "active"):
        await work.record(TenantResumed(slug=work.site.slug))


async def _switch(work: Work, state: TenantState) -> bool:
    """Say whether it was in another state before."""
    record = await store.lock_tenant(work)
    if record is None:
        raise NotFound("tenant_not_found")
    if record.state == state:
        return False
    await store.change_state(work, state)
    return True
