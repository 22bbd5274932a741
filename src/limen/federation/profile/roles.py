"""Roles by a provider's word: given at sign-in, taken as soon as it is known to have stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from limen.access.grant_role import grant_role
from limen.access.permissions import Role
from limen.access.revoke_role import revoke_role
from limen.access.rights import roles_of
from limen.db.work import Work
from limen.federation.profile import store
from limen.federation.profile.store import Record
from limen.kernel.actor import SYSTEM
from limen.tenants import policy_of


async def map_roles(work: Work, *, record: Record, profile: Mapping[str, Any]) -> None:
    """Give what the tenant's policy maps to roles, and take what it gave before and no more.

    A role somebody gave by hand is none of this: it is neither noted nor taken.

    Args:
        work: The transaction of the sign-in.
        record: Of the identity.
        profile: What its provider says now, verified.
    """
    rules = policy_of(work).sign_in.rules(record.provider).roles
    wanted = {rule.role for rule in rules if _says(profile.get(rule.claim), rule.value)}
    mapped = set(record.mapped_roles)
    if wanted == mapped:
        return
    held = set(await roles_of(work, record.user_id))
    given = {role for role in wanted if role in mapped or role not in held}
    await _change(work, record, give=given - held, take=(mapped - wanted) & held)
    await store.set_mapped_roles(
        work, issuer=record.issuer, subject=record.subject, roles=sorted(given)
    )


async def take_back_roles(work: Work, *, record: Record, profile: Mapping[str, Any]) -> None:
    """Take what the provider, or the policy, no longer says; gives nothing.

    For whoever is not there: a role is given when its person signs in, and ends as soon as
    anybody learns that it should.

    Args:
        work: The transaction of a synchronisation.
        record: Of the identity.
        profile: What its provider says now; members that nobody was told of as they were.
    """
    mapped = set(record.mapped_roles)
    rules = policy_of(work).sign_in.rules(record.provider).roles
    stay = mapped & {rule.role for rule in rules if _says(profile.get(rule.claim), rule.value)}
    if stay == mapped:
        return
    held = set(await roles_of(work, record.user_id))
    await _change(work, record, give=set(), take=(mapped - stay) & held)
    await store.set_mapped_roles(
        work, issuer=record.issuer, subject=record.subject, roles=sorted(stay)
    )


async def unmap_roles(work: Work, record: Record) -> None:
    """Take every role an identity gave: it is unlinked."""
    await _change(work, record, give=set(), take=set(record.mapped_roles))


async def _change(work: Work, record: Record, *, give: set[Any], take: set[Any]) -> None:
    # The tenant's policy gives them and not whoever signs in: nobody's own rights are asked.
    actor, work.actor = work.actor, SYSTEM
    try:
        for role in sorted(give):
            await grant_role(work, principal_id=record.user_id, role=cast("Role", role))
        for role in sorted(take):
            await revoke_role(work, principal_id=record.user_id, role=cast("Role", role))
    finally:
        work.actor = actor


def _says(told: object, value: str) -> bool:
    return told == value or (isinstance(told, list) and value in told)
