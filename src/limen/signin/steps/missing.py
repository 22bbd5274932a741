"""What is missing to a session that there is: a policy changed, or a client needs more."""

from __future__ import annotations

from limen.accounts.directory import get_user
from limen.accounts.terms.accept import must_accept_terms
from limen.db.work import Work
from limen.mfa.factors import has_second_factor
from limen.signin.journey import SECOND_FACTOR, Progress, Rules, Step, next_step
from limen.tenants import policy_of


async def missing_step(
    work: Work, *, user_id: str, amr: tuple[str, ...], needs_factor: bool = False
) -> Step | None:
    """Return the first step somebody signed in has to pass; mostly without a statement.

    A password that must be replaced is no concern here: whoever demands it ends the sessions.

    Args:
        work: Reads only what a rule asks about.
        user_id: Who.
        amr: What the session proved.
        needs_factor: Whether two factors are needed this time.
    """
    rules = rules_of(work, needs_factor=needs_factor)
    has_factor, is_verified = False, True
    if rules.require_second_factor and SECOND_FACTOR not in amr:
        has_factor = await has_second_factor(work, user_id)
    elif rules.require_second_factor:
        has_factor = True
    if rules.require_verified_email:
        is_verified = (await get_user(work, user_id)).is_verified
    progress = Progress(
        amr=amr,
        has_factor=has_factor,
        is_verified=is_verified,
        must_accept_terms=await must_accept_terms(work, user_id=user_id),
    )
    return next_step(progress, rules=rules)


def lacks_factor(work: Work, *, amr: tuple[str, ...]) -> bool:
    """Whether the tenant demands two factors by now, and a sign-in proved fewer (N049).

    For what a sign-in gave that lives long, refresh tokens among it: nobody is there who could
    pass a step, so that whoever signed in before signs in again.

    Args:
        work: Costs no statement.
        amr: Of that sign-in.
    """
    return rules_of(work).require_second_factor and SECOND_FACTOR not in amr


def rules_of(work: Work, *, needs_factor: bool = False) -> Rules:
    """Return what the tenant demands, and what a client needs besides."""
    policy = policy_of(work)
    required = policy.assurance.second_factor == "required"
    return Rules(
        require_verified_email=policy.require_verified_email,
        require_second_factor=required or needs_factor,
    )
