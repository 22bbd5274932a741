"""Roles by a provider's word, and sign-ins by an origin's: who decides on them has them (N205)."""

from __future__ import annotations

from limen.access.permissions import ROLES_WRITE
from limen.access.rights import permissions_of
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.tenants import policy_of
from limen.tenants.policy import TenantPolicy


async def check_may_change_policy(work: Work, before: TenantPolicy, changed: TenantPolicy) -> None:
    """Refuse a change of policy that gives its maker what they may not have.

    Raises:
        NotPermitted: ``not_permitted``.
    """
    await check_may_map_roles(work, before, changed)
    if set(changed.allowed_origins) - set(before.allowed_origins):
        # Its page takes the ticket of whoever signs in by it, an owner too (``signin.provider``).
        await _check_may_give_roles(
            work, "Who signs in at such an origin lends it their roles, which you may not give."
        )


async def check_may_map_roles(work: Work, before: TenantPolicy, changed: TenantPolicy) -> None:
    """Refuse a policy that maps to roles otherwise than the one before, by who gives none.

    Raises:
        NotPermitted: ``not_permitted``.
    """
    if _mapped(changed) != _mapped(before):
        await _check_may_give_roles(work)


async def check_may_speak_for_provider(work: Work, *, provider: str) -> None:
    """Refuse whoever gives no roles to say what a provider is whose word gives some.

    Raises:
        NotPermitted: ``not_permitted``.
    """
    if policy_of(work).sign_in.rules(provider).roles:
        await _check_may_give_roles(work)


def _mapped(policy: TenantPolicy) -> dict[str, object]:
    """Return what gives roles: the words, and of whom at a provider they are believed."""
    return {
        name: (rules.roles, rules.domains, rules.tenants)
        for name, rules in policy.sign_in.providers.items()
        if rules.roles
    }


async def _check_may_give_roles(
    work: Work, public: str = "This gives roles, which you are not allowed to."
) -> None:
    if ROLES_WRITE not in await permissions_of(work, work.actor):
        raise NotPermitted(public=public)
