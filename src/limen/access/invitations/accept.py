"""Accept an invitation by the mailed link: with a password, or with the account one has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limen.access.events import RoleGranted
from limen.access.invitations import store
from limen.access.invitations.events import InvitationAccepted
from limen.access.invitations.model import LINK_KIND, Invitation
from limen.access.permissions import ROLES, permissions_of_roles
from limen.access.store import add_role, list_roles
from limen.accounts.claims import check_claims, names_in
from limen.accounts.create_user import NewRow, add_user
from limen.accounts.directory import find_user_by_email, get_user
from limen.accounts.passwords import check_new_password
from limen.accounts.user import User
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.hooks.ask import Hooks
from limen.kernel.errors import Conflict, InvalidInput, NotPermitted
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.tenants import display_name, policy_of
from limen.tenants.policies.sign_up import check_may_join
from limen.tokens import principals


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What somebody opens their account with.

    Args:
        password: What they chose.
        claims: Standard claims a person may say of themselves.
    """

    password: Secret[str]
    claims: Mapping[str, Any] = field(default_factory=dict)


async def look_at_invitation(work: Work, *, raw_token: Secret[str]) -> Invitation:
    """Return what a link opens; it stays as it is.

    Raises:
        InvalidInput: ``link_invalid``: unknown, used, expired, taken back, another tenant's, or
            of somebody who may not give its role any more.
        NotPermitted: ``registration_closed``.
    """
    check_may_join(policy_of(work).sign_up, invited=True)
    found = None
    if read(raw_token, kind=LINK_KIND) is not None:
        found = await store.find_by_link(work, token_hash(raw_token))
    if found is None or not await _holds(work, found):
        raise _invalid()
    return found


async def has_account(work: Work, invitation: Invitation) -> bool:
    """Whether the invited address has an account by now; told to who holds the link alone."""
    return await find_user_by_email(work, invitation.email) is not None


async def accept_with_password(
    work: Work,
    *,
    raw_token: Secret[str],
    joining: Joining,
    hasher: PasswordHasher,
    hooks: Hooks | None = None,
) -> User:
    """Open the account, its address verified by the link. Signs nobody in.

    Atomic: of any number of concurrent callers with one link one succeeds. A refused password
    does not spend the link.

    Raises:
        InvalidInput: ``link_invalid``; as ``check_new_password`` and ``check_claims``.
        NotPermitted: ``registration_closed``, ``refused_by_hook``.
        Conflict: ``account_exists``: whoever has it signs in and accepts there.
    """
    invitation = await look_at_invitation(work, raw_token=raw_token)
    claims = check_claims(joining.claims)
    password = check_new_password(
        joining.password,
        policy=policy_of(work),
        context=(invitation.email, display_name(work), *names_in(claims)),
    )
    if await has_account(work, invitation):
        raise _account_exists()
    if hooks is not None:
        about = {"email": invitation.email, "claims": claims, "by": "invitation"}
        await hooks.ask(work, "before_sign_up", about)
    await work.let_go()
    row = NewRow(
        how="invited",
        address=invitation.email,
        verified=True,
        password_hash=await hasher.hash(password),
        claims=claims,
    )
    user = await add_user(work, row)
    if user is None:
        raise _account_exists()
    await _take(work, raw_token, user=user, by="password")
    return user


async def accept_signed_in(work: Work, *, raw_token: Secret[str]) -> User:
    """Give the actor what the invitation gives, if it was sent to their verified address.

    Raises:
        InvalidInput: ``link_invalid``.
        NotPermitted: ``invitation_not_yours``; ``registration_closed``.
    """
    invitation = await look_at_invitation(work, raw_token=raw_token)
    user = await get_user(work, work.actor.id)
    if not is_for(invitation, user):
        raise NotPermitted(
            "invitation_not_yours", "This invitation was sent to another address than yours."
        )
    await _take(work, raw_token, user=user, by="session")
    return user


def is_for(invitation: Invitation, user: User) -> bool:
    """Whether an invitation was sent to the address that a person has proven."""
    return user.is_verified and user.email == invitation.email


async def _take(work: Work, raw_token: Secret[str], *, user: User, by: str) -> None:
    taken = await store.take_by_link(work, token_hash(raw_token), user_id=user.id)
    if taken is None or taken.email != user.email or not await _holds(work, taken):
        raise _invalid()
    if taken.role != "member" and await add_role(
        work, principal_id=user.id, kind="user", role=taken.role
    ):
        await work.record(RoleGranted(principal_id=user.id, role=taken.role))
    await work.record(
        InvitationAccepted(invitation_id=taken.id, user_id=user.id, role=taken.role, by=by)
    )


async def _holds(work: Work, invitation: Invitation) -> bool:
    """Whether who invited may still give the role: an old link is no way around a demotion."""
    if invitation.role == "member" or not invitation.invited_by:
        return True
    if not await principals.is_enabled(work, principal_id=invitation.invited_by):
        return False
    theirs = permissions_of_roles(await list_roles(work, invitation.invited_by))
    return ROLES[invitation.role] <= theirs


def _invalid() -> InvalidInput:
    text = "This invitation was used, is too old, or was taken back. Ask whoever invited you."
    return InvalidInput("link_invalid", text)


def _account_exists() -> Conflict:
    text = "This address has an account already. Sign in, and open the invitation again."
    return Conflict("account_exists", text)
