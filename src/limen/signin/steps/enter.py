"""Let somebody in, or say which step comes first: where every sign-in begins its session."""

from __future__ import annotations

from dataclasses import replace

from limen.accounts.directory import hold_active_user
from limen.accounts.terms.accept import must_accept_terms
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.mfa.factors import has_second_factor
from limen.sessions.elevate import elevate
from limen.sessions.listing import find_session
from limen.sessions.session import Started
from limen.sessions.start import start, start_alone
from limen.signin.journey import Progress, Step, next_step
from limen.signin.steps import store
from limen.signin.steps.missing import missing_step, rules_of
from limen.signin.steps.underway import Entered, Underway, Waiting, over
from limen.signin.steps.waiting import wait


async def go_on(work: Work, *, underway: Underway, user: User | None = None) -> Entered | Waiting:
    """Begin the session, if nothing is missing any more; else wait for the next step.

    Atomic: of any number of concurrent callers with one token one goes on.

    Args:
        work: The transaction of what was just proven.
        underway: Who, with all they proved.
        user: The same person, if the Work holds their row already.

    Raises:
        NotAuthenticated: ``sign_in_over``: somebody else was first.
        NotPermitted: ``account_not_active``: disabled meanwhile.
    """
    if underway.token_hash is not None and not await store.take_pending(work, underway.token_hash):
        raise over()
    user = user or await hold_active_user(work, underway.user_id)
    if user is None:
        raise NotPermitted("account_not_active", "This account can't sign in.")
    underway = replace(underway, token_hash=None)
    step = await step_of(work, underway=underway, user=user)
    if step is not None:
        return await wait(work, underway=underway, step=step)
    started = await _begin(work, underway)
    return Entered(user=user, session=started.session, raw_session=started.raw)


async def step_of(work: Work, *, underway: Underway, user: User) -> Step | None:
    """Return the first step somebody has to pass."""
    if underway.is_in:
        return await missing_step(
            work, user_id=user.id, amr=underway.amr, needs_factor=underway.needs_factor
        )
    progress = Progress(
        amr=underway.amr,
        has_factor=await has_second_factor(work, user.id),
        is_verified=user.is_verified,
        must_change_password=user.must_change_password,
        must_accept_terms=await must_accept_terms(work, user_id=user.id),
    )
    return next_step(progress, rules=rules_of(work))


async def _begin(work: Work, underway: Underway) -> Started:
    current = None
    if underway.session_id:
        current = await find_session(work, underway.session_id)
    if underway.is_in:
        if current is None or current.user_id != underway.user_id:
            raise over()
        if set(underway.amr) <= set(current.amr):
            return Started(current, None)
    if current is not None and current.user_id == underway.user_id:
        # The same person again: the session goes on under a new cookie, and so do its tokens.
        return await elevate(
            work, session_id=current.id, amr=underway.amr, again=not underway.is_in
        )
    if underway.is_alone and current is None:
        return await start_alone(
            work, user_id=underway.user_id, amr=underway.amr, user_agent=underway.user_agent
        )
    return await start(
        work,
        user_id=underway.user_id,
        amr=underway.amr,
        kind=underway.kind,
        user_agent=underway.user_agent,
        replaces=None if current is None else current.id,
    )
