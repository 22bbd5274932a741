"""Pass one step on the way in: the same for pages, the API, interactions and native apps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from limen.access.require import is_recent
from limen.accounts.directory import get_user
from limen.accounts.passwords.change_due import change_due_password
from limen.accounts.terms.accept import accept_terms
from limen.accounts.verify_email import verify_email_by_code
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, ReauthenticationRequired
from limen.kernel.secret import Secret
from limen.mfa.enrol_totp import Enrolment, begin_enrolment, confirm_enrolment, look_at_enrolment
from limen.mfa.factors import has_second_factor
from limen.mfa.prove import AMR
from limen.sessions.revoke import revoke_all
from limen.signin.door import Door
from limen.signin.journey import Step
from limen.signin.steps.enter import go_on, step_of
from limen.signin.steps.second_factor import prove_code
from limen.signin.steps.underway import Entered, Underway, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What somebody gives for a step; each step reads its own.

    Args:
        raw_code: Of the app, of the mail, or a recovery code.
        raw_password: A new one.
        terms_version: The one they were shown.
        factor_id: The enrolment they were shown.
        device: The browser's device cookie, if it has one.
    """

    raw_code: Secret[str] | None = None
    raw_password: Secret[str] | None = None
    terms_version: str = ""
    factor_id: str = ""
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What came of a step.

    Args:
        raw_recovery_codes: Of a factor just enrolled; to be shown once.
    """

    outcome: Entered | Waiting
    raw_recovery_codes: tuple[Secret[str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a person has to be shown for a step."""

    step: Step
    email: str
    enrolment: Enrolment | None = None


async def current_step(work: Work, *, underway: Underway) -> Step | None:
    """Return the step somebody has to pass now."""
    user = await get_user(work, underway.user_id)
    return await step_of(work, underway=underway, user=user)


async def show_step(
    work: Work, *, underway: Underway, step: Step, door: Door, factor_id: str = ""
) -> Shown:
    """Return what a person has to be shown; to enrol is to be given a secret.

    Args:
        work: The transaction.
        underway: Who.
        step: The one they have to pass.
        door: Seals the secret.
        factor_id: Names the enrolment they were shown before, if they were.

    Raises:
        ReauthenticationRequired: ``reauth_required``: a session that is not recent enrols nothing.
    """
    user = await get_user(work, underway.user_id)
    if step != "enrol_factor":
        return Shown(step=step, email=user.email or "")
    _check_recent(work, underway)
    if factor_id:
        enrolment = await look_at_enrolment(
            work, envelope=door.envelope, user_id=user.id, factor_id=factor_id
        )
    else:
        enrolment = await begin_enrolment(work, envelope=door.envelope, user_id=user.id)
    return Shown(step=step, email=user.email or "", enrolment=enrolment)


async def take_step(
    work: Work, *, underway: Underway, step: Step, reply: Reply, door: Door
) -> Passed:
    """Pass a step, and go on: to the next one, or in.

    Args:
        work: Nothing written in it yet.
        underway: Who.
        step: Which; it must be the one that comes next.
        reply: What they give for it.
        door: See there.

    Raises:
        Conflict: ``step_not_due``: another step comes first, or this one is behind (N162).
        Refusal: As the step's own use case.
    """
    if await current_step(work, underway=underway) != step:
        raise Conflict("step_not_due", "Something else comes first.")
    underway, codes = await _TAKERS[step](work, underway=underway, reply=reply, door=door)
    outcome = await go_on(work, underway=underway)
    return Passed(outcome=outcome, raw_recovery_codes=codes)


_Taken = tuple[Underway, tuple[Secret[str], ...]]


async def _second_factor(work: Work, *, underway: Underway, reply: Reply, door: Door) -> _Taken:
    proven = await prove_code(
        work,
        works=door.works,
        envelope=door.envelope,
        user_id=underway.user_id,
        raw_code=reply.raw_code or Secret(""),
        device=reply.device,
    )
    return _with(underway, proven), ()


async def _verify_email(work: Work, *, underway: Underway, reply: Reply, door: Door) -> _Taken:
    """By the mailed code; who opened the mailed link instead is past this step already."""
    user = await get_user(work, underway.user_id)
    await verify_email_by_code(
        work,
        works=door.works,
        envelope=door.envelope,
        email=user.email or "",
        raw_code=reply.raw_code or Secret(""),
        chosen="proven",
    )
    return underway, ()


async def _change_password(work: Work, *, underway: Underway, reply: Reply, door: Door) -> _Taken:
    await change_due_password(
        work,
        user_id=underway.user_id,
        raw_new=reply.raw_password or Secret(""),
        hasher=door.hasher,
        envelope=door.envelope,
        has_mfa=await has_second_factor(work, underway.user_id),
    )
    # A changed password takes everybody who knew the old one off the list, this one too.
    return replace(underway, token_hash=None, session_id=""), ()


async def _enrol_factor(work: Work, *, underway: Underway, reply: Reply, door: Door) -> _Taken:
    _check_recent(work, underway)
    if not reply.factor_id:
        raise InvalidInput("factor_id_missing", "Say which enrolment this confirms.")
    codes = await confirm_enrolment(
        work,
        envelope=door.envelope,
        user_id=underway.user_id,
        factor_id=reply.factor_id,
        raw_code=reply.raw_code or Secret(""),
    )
    await revoke_all(
        work,
        user_id=underway.user_id,
        except_id=underway.session_id or None,
        reason="factor_enrolled",
    )
    return _with(underway, AMR), codes


async def _accept_terms(work: Work, *, underway: Underway, reply: Reply, door: Door) -> _Taken:
    del door
    await accept_terms(work, user_id=underway.user_id, version=reply.terms_version)
    return underway, ()


_TAKERS: Final[Mapping[Step, Callable[..., Awaitable[_Taken]]]] = {
    "second_factor": _second_factor,
    "verify_email": _verify_email,
    "change_password": _change_password,
    "enrol_factor": _enrol_factor,
    "accept_terms": _accept_terms,
}


def _with(underway: Underway, amr: tuple[str, ...]) -> Underway:
    return replace(underway, amr=tuple(dict.fromkeys((*underway.amr, *amr))))


def _check_recent(work: Work, underway: Underway) -> None:
    """A copied session must not be enough to enrol a thief's authenticator (N269)."""
    if underway.is_in and not is_recent(work, underway.authenticated_at):
        raise ReauthenticationRequired(public="Sign in again to do this.")
