"""Change one's own password: guesses at the current one have a price here too (O8)."""

from __future__ import annotations

from limen.access.require import check_first_party
from limen.accounts.change_password import change_password
from limen.db.work import Work
from limen.kernel.errors import NotPermitted, Refusal
from limen.kernel.secret import Secret
from limen.mfa.factors import has_second_factor
from limen.signin.door import Door
from limen.signin.events import SignInRefused
from limen.signin.throttle import actor_budget, draw_attempt, forgive


async def change_own_password(
    work: Work, *, raw_current: Secret[str], raw_new: Secret[str], door: Door
) -> None:
    """Change the actor's password.

    A copied session must not be a place to guess the password at: the guess is drawn from a
    budget of this session before it is looked at.

    Args:
        work: The actor is the person; nothing written in it yet.
        raw_current: As typed.
        raw_new: As chosen.
        door: See there.

    Raises:
        Throttled: ``too_many_attempts``.
        NotPermitted: ``wrong_password``, ``first_party_only``.
        Refusal: As ``accounts.change_password``.
    """
    check_first_party(work)
    has_mfa = await has_second_factor(work, work.actor.id)
    budgets = (actor_budget(work.actor),)
    drawn = await draw_attempt(door.works, work, envelope=door.envelope, budgets=budgets)
    try:
        await change_password(
            work,
            raw_current=raw_current,
            raw_new=raw_new,
            hasher=door.hasher,
            envelope=door.envelope,
            has_mfa=has_mfa,
        )
    except NotPermitted as refusal:
        event = SignInRefused(account=drawn.account, reason=refusal.code)
        work.even_if_refused(lambda keeping: keeping.record(event))
        raise
    except Refusal:  # refused for something else: no guess, or never looked at
        work.even_if_refused(lambda keeping: forgive(keeping, drawn))
        raise
    await forgive(work, drawn)
