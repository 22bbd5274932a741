"""Sign in with address and password: the same for the page, the API and the headless journey."""

from __future__ import annotations

from dataclasses import dataclass

from limen.accounts.check_password import check_password
from limen.accounts.email_address import throttle_key
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import NotAuthenticated, Unavailable
from limen.kernel.secret import Secret
from limen.mfa.factors import foresee_second_factor
from limen.sessions.session import SessionKind
from limen.signin.budgets import sign_in_budgets
from limen.signin.door import Door
from limen.signin.events import SignInRefused
from limen.signin.journey import PASSWORD
from limen.signin.known_device import known_device
from limen.signin.steps.enter import go_on
from limen.signin.steps.underway import Entered, Underway, Waiting
from limen.signin.throttle import Attempt, draw_attempt, forgive


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordAttempt:
    """What somebody presents.

    Args:
        email: As typed.
        raw_password: As typed.
        address_block: Where from; see ``web.client_ip.address_block``.
        device: The browser's device cookie, if it has one.
        kind: ``browser`` for a cookie, ``tokens`` for a first-party pair.
        user_agent: What the browser calls itself.
        current: Who this browser is signed in as already, if anybody.
        is_alone: Nothing else of this Work will name the session, which is one of tokens.
    """

    email: str
    raw_password: Secret[str]
    address_block: str
    device: str | None = None
    kind: SessionKind = "browser"
    user_agent: str = ""
    current: Actor | None = None
    is_alone: bool = False


async def sign_in_with_password(
    work: Work, *, attempt: PasswordAttempt, door: Door
) -> Entered | Waiting:
    """Check the password; begin a session, or say which step comes first.

    The attempt is counted before it is looked at. One answer for every failure.

    Args:
        work: Nothing written in it yet.
        attempt: As presented.
        door: See there.

    Raises:
        Throttled: ``too_many_attempts``; nothing was looked at.
        NotAuthenticated: ``invalid_credentials``.
        Unavailable: Too many sign-ins at once; the attempt does not count.
    """
    account = throttle_key(attempt.email)
    key = await door.envelope.derive(work, "known device")
    device = known_device(attempt.device, account=account, key=key)
    budgets = sign_in_budgets(account=account, block=attempt.address_block, device=device)
    drawn = await draw_attempt(door.works, work, envelope=door.envelope, budgets=budgets)
    user = await _check(work, attempt, door=door, drawn=drawn)
    underway = Underway(
        user_id=user.id,
        amr=(PASSWORD,),
        kind=attempt.kind,
        user_agent=attempt.user_agent,
        session_id="" if attempt.current is None else attempt.current.session_id,
        is_alone=attempt.is_alone,
    )
    return await go_on(work, underway=underway, user=user)


async def _check(work: Work, attempt: PasswordAttempt, *, door: Door, drawn: Attempt) -> User:
    try:
        user = await check_password(
            work,
            email=attempt.email,
            raw=attempt.raw_password,
            hasher=door.hasher,
            foresee=foresee_second_factor,
        )
    except NotAuthenticated as refusal:
        event = SignInRefused(account=drawn.account, reason=refusal.code)
        work.even_if_refused(lambda keeping: keeping.record(event))
        raise
    except Unavailable:  # never looked at
        work.even_if_refused(lambda keeping: forgive(keeping, drawn))
        raise
    # Right is right, whatever is still missing: the attempt was no guess.
    work.even_if_refused(lambda keeping: forgive(keeping, drawn))
    return user
