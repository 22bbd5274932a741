"""What a person does with their own factors, and an administrator with another's."""

from __future__ import annotations

from typing import Any

from limen.access.nobody_above import check_not_above
from limen.accounts.directory import get_user
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.kernel.secret import Secret
from limen.mfa import store
from limen.mfa.enrol_totp import Enrolment, begin_enrolment, confirm_enrolment
from limen.mfa.events import FactorsRemoved, RecoveryCodesReplaced
from limen.mfa.factors import check_may_change_factors
from limen.mfa.prove import AMR, tell
from limen.mfa.recovery_codes import issue_recovery_codes
from limen.sessions.elevate import elevate
from limen.sessions.end_everything import end_everything
from limen.sessions.revoke import revoke_all
from limen.sessions.session import Started
from limen.web.languages.words import marked


async def enrol_own(work: Work, *, envelope: Envelope) -> Enrolment:
    """Begin to enrol an authenticator app for the actor.

    Raises:
        ReauthenticationRequired: ``reauth_required``.
        Conflict: ``factor_exists``.
    """
    await check_may_change_factors(work)
    return await begin_enrolment(work, envelope=envelope, user_id=work.actor.id)


async def confirm_own(
    work: Work, *, envelope: Envelope, factor_id: str, raw_code: Secret[str]
) -> tuple[Started, tuple[Secret[str], ...]]:
    """Confirm it: the session now has both factors; every other session, made with one, ends.

    Returns:
        The session with its new cookie, and the recovery codes.

    Raises:
        ReauthenticationRequired: ``reauth_required``.
        Refusal: As ``confirm_enrolment``.
    """
    await check_may_change_factors(work)
    actor = work.actor
    codes = await confirm_enrolment(
        work, envelope=envelope, user_id=actor.id, factor_id=factor_id, raw_code=raw_code
    )
    started = await elevate(work, session_id=actor.session_id, amr=AMR, again=False)
    await revoke_all(work, user_id=actor.id, except_id=actor.session_id, reason="factor_enrolled")
    return started, codes


async def renew_recovery_codes(work: Work, *, envelope: Envelope) -> tuple[Secret[str], ...]:
    """Give the actor new recovery codes; the old ones are dead.

    Raises:
        ReauthenticationRequired: ``reauth_required``.
        NotFound: ``factor_not_found``: there is nothing to recover.
    """
    await check_may_change_factors(work)
    user_id = work.actor.id
    if not await store.has_factor(work, user_id):
        raise _none()
    codes = await issue_recovery_codes(work, envelope=envelope, user_id=user_id)
    await work.record(RecoveryCodesReplaced(user_id=user_id))
    await tell(work, envelope, user_id=user_id, what=marked("Your recovery codes were replaced."))
    return codes


async def remove_own(work: Work, *, envelope: Envelope) -> None:
    """Take the actor's factors away; every other session ends (N178).

    Raises:
        ReauthenticationRequired: ``reauth_required``.
        NotFound: ``factor_not_found``.
    """
    await check_may_change_factors(work)
    actor = work.actor
    if not await _delete(work, actor.id):
        raise _none()
    await revoke_all(work, user_id=actor.id, except_id=actor.session_id, reason="factor_removed")
    await work.record(FactorsRemoved(user_id=actor.id, how="person"))
    await tell(work, envelope, user_id=actor.id, what=marked("Two-step sign-in was turned off."))


async def reset_factors(work: Work, *, envelope: Envelope, user_id: str) -> None:
    """Take another's factors away, for who lost them all; signs them out everywhere.

    Raises:
        NotPermitted: ``role_above_own``: whose roles the actor has not.
        NotFound: ``user_not_found``, ``factor_not_found``.
    """
    await get_user(work, user_id)
    await check_not_above(work, principal_id=user_id)
    if not await _delete(work, user_id):
        raise _none()
    await end_everything(work, user_id=user_id, reason="factor_removed")
    await work.record(FactorsRemoved(user_id=user_id, how="administrator"))
    what = marked("Two-step sign-in was turned off by an administrator.")
    await tell(work, envelope, user_id=user_id, what=what)


async def forget_factors(work: Work, event: Any) -> None:
    """React to an account that is gone, or another's now: nothing of it proves anybody (N130).

    Args:
        work: The transaction of the event.
        event: ``AccountClosed`` or ``AccountReclaimed``.
    """
    if await _delete(work, event.user_id):
        await work.record(FactorsRemoved(user_id=event.user_id, how="account"))


async def _delete(work: Work, user_id: str) -> bool:
    await store.delete_codes(work, user_id)
    return await store.delete_factors(work, user_id)


def _none() -> NotFound:
    return NotFound("factor_not_found", "There is no second step to change.")
