"""The policy a Work runs under."""

from __future__ import annotations

from limen.db.work import Work
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy
from limen.tenants.tenant import Tenant


def policy_of(work: Work) -> TenantPolicy:
    """Return the policy of the Work's tenant; a bare Site, as tests have, gets the defaults."""
    return work.site.policy if isinstance(work.site, Tenant) else DEFAULT_POLICY


def display_name(work: Work) -> str:
    """Return what the tenant's users call it."""
    return work.site.name if isinstance(work.site, Tenant) else work.site.slug
