"""Ask somebody to open an account: make, list, mail again, revoke."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.access.grant_role import check_may_handle
from limen.access.invitations import store
from limen.access.invitations.events import InvitationRevoked, InvitationSent
from limen.access.invitations.model import LINK_KIND, MOST_DAYS, Invitation
from limen.access.permissions import Role
from limen.accounts.directory import find_user_by_email
from limen.accounts.email_address import parse_email
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.mail.enqueue import enqueue
from limen.mail.message import Message
from limen.tenants import display_name, policy_of
from limen.tenants.policies.sign_up import check_may_join
from limen.web.languages.moments import day_in
from limen.web.languages.negotiate import DEFAULT

_DAYS: Final = 7
_KEPT: Final = dt.timedelta(days=30)


async def invite(
    work: Work,
    *,
    envelope: Envelope,
    email: str,
    role: Role = "member",
    days: int = _DAYS,
    language: str = DEFAULT,
) -> Invitation:
    """Mail somebody a link to open an account with.

    Args:
        work: An administrator's, or the command line's.
        envelope: Seals the mail.
        email: As received.
        role: What they become; never more than whoever invites is.
        days: For how long the link is good.
        language: Of the mail, one of ours.

    Raises:
        InvalidInput: ``email_invalid``, ``days_invalid``.
        NotPermitted: ``role_above_own``; ``registration_closed``: it would open nothing.
        Conflict: ``email_taken``: give them the role instead; ``invitation_pending``.
    """
    check_may_join(policy_of(work).sign_up, invited=True)
    address = parse_email(email)
    expires_at = _until(work, days)
    await check_may_handle(work, role)
    if await find_user_by_email(work, address) is not None:
        raise Conflict("email_taken", "This address has an account already.")
    raw = mint(LINK_KIND, work.tenant_id)
    invitation_id = await store.put_invitation(
        work,
        id=new_id(work.now),
        email=address,
        live_email=address,
        role=role,
        token_hash=token_hash(raw),
        invited_by=work.actor.id,
        expires_at=expires_at,
    )
    if invitation_id is None:
        raise Conflict("invitation_pending", "This address is invited already; mail it again.")
    made = Invitation(
        id=invitation_id,
        email=address,
        role=role,
        state="pending",
        invited_by=work.actor.id,
        accepted_by="",
        created_at=work.now,
        sent_at=work.now,
        expires_at=expires_at,
    )
    await _mail(work, envelope, invitation=made, raw=raw, language=language)
    await work.record(InvitationSent(invitation_id=invitation_id, role=role, again=False))
    return made


async def mail_again(
    work: Work,
    *,
    envelope: Envelope,
    invitation_id: str,
    days: int = _DAYS,
    language: str = DEFAULT,
) -> Invitation:
    """Mail a pending invitation with another link; the older one opens nothing any more.

    Raises:
        NotFound: ``invitation_not_found``: none such, or it is settled.
        NotPermitted: ``role_above_own``, ``registration_closed``.
        InvalidInput: ``days_invalid``.
    """
    check_may_join(policy_of(work).sign_up, invited=True)
    raw = mint(LINK_KIND, work.tenant_id)
    renewed = await store.renew(
        work, invitation_id, token_hash=token_hash(raw), expires_at=_until(work, days)
    )
    if renewed is None:
        raise _not_found()
    await check_may_handle(work, renewed.role)
    await _mail(work, envelope, invitation=renewed, raw=raw, language=language)
    await work.record(InvitationSent(invitation_id=renewed.id, role=renewed.role, again=True))
    return renewed


async def revoke_invitation(work: Work, *, invitation_id: str) -> None:
    """Take a pending invitation back.

    Raises:
        NotFound: ``invitation_not_found``.
    """
    if not await store.revoke(work, invitation_id):
        raise _not_found()
    await work.record(InvitationRevoked(invitation_id=invitation_id))


async def list_invitations(work: Work, *, after: str = "", most: int) -> list[Invitation]:
    """Return invitations, oldest first; settled ones for a month longer than they were good."""
    return await store.page_of(work, after=after, most=most)


async def sweep(work: Work) -> int:
    """Forget invitations that ended a month ago, and whose addresses they were."""
    return await store.sweep_invitations(work, before=work.now - _KEPT)


def _until(work: Work, days: int) -> dt.datetime:
    if not 1 <= days <= MOST_DAYS:
        text = f"An invitation is good for 1 to {MOST_DAYS} days."
        raise InvalidInput("days_invalid", text, field="days")
    return work.now + dt.timedelta(days=days)


async def _mail(
    work: Work,
    envelope: Envelope,
    *,
    invitation: Invitation,
    raw: Secret[str],
    language: str,
) -> None:
    context = {
        "site_name": display_name(work),
        "site_url": work.site.issuer,
        "link": f"{work.site.issuer}/invitation?token={raw.reveal()}",
        "until": day_in(language, invitation.expires_at),
    }
    message = Message(
        to=invitation.email, template="invitation", context=context, language=language
    )
    await enqueue(work, envelope=envelope, message=message)


def _not_found() -> NotFound:
    return NotFound("invitation_not_found", "There is no such invitation, or it is settled.")
