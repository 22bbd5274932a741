"""Change a tenant's policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from limen.db.work import Work
from limen.kernel.errors import Conflict, NotFound
from limen.tenants import store
from limen.tenants.events import TenantPolicyChanged
from limen.tenants.policies.groups import overlay, without_nulls
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy


async def update_policy(
    work: Work,
    *,
    changes: Mapping[str, Any],
    defaults: TenantPolicy = DEFAULT_POLICY,
    expected_version: int | None = None,
    check: Callable[[TenantPolicy, TenantPolicy], Awaitable[None]] | None = None,
    replace: bool = False,
) -> TenantPolicy:
    """Change what is named of the policy of this Work's tenant, and nothing else (RFC 7396).

    Concurrent changes are made one after the other, each checked against the whole.

    Args:
        work: In the tenant to change.
        changes: JSON members; ``None`` gives one back to the server's settings, at any depth.
            A group of settings is changed member by member; a list, and a mapping of names, is
            one value and replaced whole.
        defaults: What those settings say.
        expected_version: The version the caller read, to refuse undoing another's change.
        check: Refuses, or returns; given the policy as it lies and as it would be. The one of
            the Work may be older.
        replace: Whether ``changes`` are all that the tenant chooses from now on, whatever it
            chose before.

    Returns:
        The policy in force from now on.

    Raises:
        InvalidInput: ``policy_invalid``: a member is unknown, mistyped or out of bounds.
        Conflict: ``version_changed``.
    """
    record = await store.lock_tenant(work)
    if record is None:
        raise NotFound("tenant_not_found")
    if expected_version is not None and expected_version != record.version:
        raise Conflict("version_changed", "Someone changed it meanwhile; read it again.")
    before = {} if replace else record.members
    merged = overlay(TenantPolicy, before, changes)
    members = without_nulls(TenantPolicy, merged)
    policy = defaults.with_members(members)
    if check is not None:
        await check(defaults.with_members(record.members), policy)
    if members != record.members:
        await store.change_policy(work, members)
        names = tuple(sorted({*changes, *record.members} if replace else changes))
        await work.record(TenantPolicyChanged(members=names, version=record.version + 1))
    return policy
