"""Whom a tenant lets in with which provider; asked on every way in, whatever was linked before."""

from __future__ import annotations

from limen.access.invitations.let_in import is_invited
from limen.db.work import Work
from limen.federation.events import IdentityRefused
from limen.federation.provider import ExternalIdentity
from limen.kernel.errors import NotPermitted
from limen.tenants import policy_of
from limen.tenants.policies.sign_up import check_may_join


def check_offered(work: Work, provider: str) -> None:
    """Refuse a provider that the tenant does not offer for signing in.

    Raises:
        NotPermitted: ``provider_disabled`` (N126).
    """
    if not policy_of(work).sign_in.offers(provider):
        raise NotPermitted("provider_disabled", "This provider is switched off.")


def check_account(work: Work, *, identity: ExternalIdentity, provider: str) -> None:
    """Refuse accounts of other organisations than the tenant's policy names.

    The provider's own word for the organisation decides, ``hd`` or ``tid``, and never the
    address: whoever has an address of a company need not be of it (nOAuth, N129). A provider
    that says nothing of the kind lets nobody in where it is asked for.

    Raises:
        NotPermitted: ``provider_disabled``, ``account_not_allowed``.
    """
    check_offered(work, provider)
    rules = policy_of(work).sign_in.rules(provider)
    for allowed, told in ((rules.domains, "hd"), (rules.tenants, "tid")):
        if allowed and identity.profile.get(told) not in allowed:
            refused = IdentityRefused(user_id="", provider=provider, reason=told)
            work.even_if_refused(lambda keeping: keeping.record(refused))  # noqa: B023 -- raised at once
            raise NotPermitted(
                "account_not_allowed",
                "Accounts of this organisation can't sign in here. Use another one.",
            )


async def check_sign_up(work: Work, *, identity: ExternalIdentity, provider: str) -> bool:
    """Refuse a new account where people come by invitation, or not at all.

    Returns:
        Whether the address that the provider vouches for was invited.

    Raises:
        NotPermitted: ``registration_closed``, ``invitation_required`` (N153).
    """
    policy = policy_of(work)
    open_here = policy.sign_in.rules(provider).sign_up == "open"
    wanted = policy.sign_up if open_here or policy.sign_up == "closed" else "invitation"
    invited = wanted != "closed" and await is_invited(
        work, email=identity.email, email_verified=identity.email_verified
    )
    check_may_join(wanted, invited=invited)
    return invited
