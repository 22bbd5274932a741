"""Whose an external account is: by issuer and subject, never by e-mail address."""

from __future__ import annotations

from dataclasses import dataclass

from limen.access.invitations.let_in import settle_invitation
from limen.accounts.create_from_provider import create_from_provider
from limen.accounts.directory import find_user_by_email, hold_active_user
from limen.accounts.user import User
from limen.db.work import Work
from limen.federation.identities import find_user_of, link_identity, whose_identity
from limen.federation.parts import Parts
from limen.federation.profile.keep_access import keep_access
from limen.federation.profile.note import note_profile
from limen.federation.profile.roles import map_roles
from limen.federation.provider import ExternalIdentity
from limen.kernel.errors import Conflict, NotPermitted
from limen.signin.provider.proven import Proven
from limen.signin.provider.rules import check_account, check_sign_up


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressTaken:
    """Its address names somebody here whom it was never linked to: they have to prove it."""

    user_id: str
    address: str


async def settle(work: Work, parts: Parts, *, proven: Proven) -> User | AddressTaken:
    """Return whose account it is, made if nobody's; nothing is ever linked by an address.

    Args:
        work: Nothing written in it yet: a hook may be asked.
        parts: Federation's.
        proven: As just proven.

    Raises:
        NotPermitted: ``provider_disabled``, ``account_not_allowed``, ``registration_closed``,
            ``invitation_required``, ``account_not_active``, ``refused_by_hook``.
        Conflict: ``account_exists``: of an account that can't sign in; ``sign_in_again``.
    """
    check_account(work, identity=proven.identity, provider=proven.provider)
    user_id = await find_user_of(work, identity=proven.identity)
    if user_id is None:
        return await _new(work, parts, proven)
    user = await hold_active_user(work, user_id)
    if user is None:
        raise NotPermitted("account_not_active", "This account can't sign in.")
    await keep_what_it_says(work, parts, proven=proven, user_id=user.id)
    return user


async def whose_address(work: Work, *, proven: Proven) -> AddressTaken | None:
    """Return whose mailbox has to be proven before an account elsewhere opens anything.

    ``None`` for one that is linked already, and for an address that names nobody here.

    Raises:
        NotPermitted: As ``check_account``.
        Conflict: ``account_exists``: of an account that can't sign in.
    """
    identity = proven.identity
    check_account(work, identity=identity, provider=proven.provider)
    known = await whose_identity(work, issuer=identity.issuer, subject=identity.subject)
    return None if known is not None else await _whose_address(work, identity)


async def keep_what_it_says(work: Work, parts: Parts, *, proven: Proven, user_id: str) -> None:
    """Bring profile and roles up to date with what the provider just said."""
    record = await note_profile(
        work,
        parts.envelope,
        identity=proven.identity,
        user_id=user_id,
        provider=proven.provider,
    )
    await map_roles(work, record=record, profile=proven.identity.profile)
    await keep_access(work, parts.envelope, record=record, raw_refresh=proven.raw_refresh)


async def _new(work: Work, parts: Parts, proven: Proven) -> User | AddressTaken:
    identity = proven.identity
    taken = await _whose_address(work, identity)
    if taken is not None:
        return taken
    invited = await check_sign_up(work, identity=identity, provider=proven.provider)
    if parts.hooks is not None:
        claims = {"name": identity.name} if identity.name else {}
        about = {"email": identity.email, "claims": claims, "by": proven.provider}
        await parts.hooks.ask(work, "before_sign_up", about)
    user = await create_from_provider(
        work,
        email=identity.email,
        email_verified=identity.email_verified,
        claims={},
        invited=invited,
    )
    if user is None:
        # Somebody took the address a moment ago.
        raise Conflict("sign_in_again", "Please sign in again.")
    if not await link_identity(work, identity=identity, user_id=user.id, provider=proven.provider):
        # The same person, twice at once: the other one was first, and its account is theirs.
        raise Conflict("sign_in_again", "Please sign in again.")
    if invited:
        await settle_invitation(
            work, email=identity.email, email_verified=identity.email_verified, user_id=user.id
        )
    await keep_what_it_says(work, parts, proven=proven, user_id=user.id)
    found = await hold_active_user(work, user.id)
    assert found is not None
    return found


async def _whose_address(work: Work, identity: ExternalIdentity) -> AddressTaken | None:
    if identity.email is None:
        return None
    user = await find_user_by_email(work, identity.email)
    if user is None:
        return None
    if not user.is_active or user.email is None:
        raise Conflict(
            "account_exists", "There is an account with this e-mail address that can't sign in."
        )
    return AddressTaken(user_id=user.id, address=user.email)
