"""Another way in for somebody signed in; and out again, but never the last."""

from __future__ import annotations

from collections.abc import Sequence

from limen.access.require import check_first_party, check_recent
from limen.accounts.directory import has_password, hold_active_user
from limen.accounts.links.tell_of_link import tell_of_link
from limen.db.work import Work
from limen.federation.events import IdentityRefused
from limen.federation.identities import (
    find_user_of,
    link_identity,
    list_identities,
    unlink_identity,
)
from limen.federation.parts import Parts
from limen.federation.profile.identity_id import Identity, identity_id
from limen.federation.upstream_clients import list_upstream_clients
from limen.kernel.errors import Conflict, NotFound, NotPermitted
from limen.signin.provider.proven import Proven
from limen.signin.provider.rules import check_account
from limen.signin.provider.settle import keep_what_it_says
from limen.tenants import policy_of


async def link(work: Work, parts: Parts, *, proven: Proven, user_id: str) -> bool:
    """Let an account elsewhere sign in the person who is signed in and proved to have it.

    Whoever calls this knows that the same person, in the same browser or with the same
    verifier, began and ended the journey, and signed in a short while before it (N115, N124).

    Returns:
        Whether it is new; an account of theirs already is brought up to date.

    Raises:
        Conflict: ``identity_in_use``: it signs in somebody else.
        NotPermitted: As ``check_account``; ``account_not_active``, ``first_party_only``.
    """
    check_first_party(work)  # else an application adds its own maker's way in
    check_account(work, identity=proven.identity, provider=proven.provider)
    user = await hold_active_user(work, user_id)
    if user is None:
        raise NotPermitted("account_not_active", "This account can't sign in.")
    made = await link_identity(
        work, identity=proven.identity, user_id=user_id, provider=proven.provider
    )
    if not made and await find_user_of(work, identity=proven.identity) != user_id:
        refused = IdentityRefused(user_id=user_id, provider=proven.provider, reason="in_use")
        work.even_if_refused(lambda keeping: keeping.record(refused))
        raise Conflict(
            "identity_in_use",
            "That account signs in somebody else here. Remove it there first.",
        )
    await keep_what_it_says(work, parts, proven=proven, user_id=user_id)
    if made:
        await tell_of_link(work, envelope=parts.envelope, user=user, about=proven.about)
    return made


async def unlink(work: Work, *, user_id: str, name: str) -> None:
    """Take a way in away from its own person, unless it is the last one.

    Atomic: of two that take two last ways at once one is refused.

    Args:
        work: The transaction.
        user_id: Whose.
        name: The identity's id.

    Raises:
        NotFound: ``identity_not_found``: none such, or another's.
        Conflict: ``last_way_in``.
        ReauthenticationRequired: ``reauth_required``.
        NotPermitted: ``first_party_only``.
    """
    check_first_party(work)
    check_recent(work)
    if await hold_active_user(work, user_id) is None:
        raise NotPermitted("account_not_active", "This account can't sign in.")
    identities = await list_identities(work, user_id=user_id)
    found = find_named(identities, name)
    others = [each for each in identities if each is not found]
    if not await has_password(work, user_id) and not await _any_opens(work, others):
        raise Conflict(
            "last_way_in", "This is your only way to sign in. Set a password, or add another first."
        )
    await unlink_identity(work, identity=found)


def find_named(identities: Sequence[Identity], name: str) -> Identity:
    """Return the identity of that id.

    Raises:
        NotFound: ``identity_not_found``.
    """
    for each in identities:
        if identity_id(each.issuer, each.subject) == name:
            return each
    raise NotFound("identity_not_found", "There is no such account among yours.")


async def _any_opens(work: Work, identities: Sequence[Identity]) -> bool:
    """Whether one of them signs in now: a provider that is switched off is no way in."""
    clients = await list_upstream_clients(work)
    usable = [each for each in clients if each.state == "enabled" and each.is_registered]
    enabled = {client.provider for client in usable}
    offers = policy_of(work).sign_in.offers
    return any(each.provider in enabled and offers(each.provider) for each in identities)
