"""Close one's own account: as hard to do by a copied session as to take a factor away."""

from __future__ import annotations

from limen.accounts.ending.close_account import close_account
from limen.db.work import Work
from limen.mfa.factors import check_may_change_factors


async def check_may_close(work: Work) -> None:
    """Refuse unless the actor signed in a short while ago, with every factor they have.

    Raises:
        NotPermitted: ``first_party_only``.
        ReauthenticationRequired: ``reauth_required``.
    """
    await check_may_change_factors(work)


async def close_own_account(work: Work) -> None:
    """Erase the actor's account; what others keep of it ends in reaction.

    Raises:
        NotPermitted, ReauthenticationRequired: As ``check_may_close``.
        Conflict: ``last_owner``.
    """
    await check_may_close(work)
    await close_account(work, user_id=work.actor.id)
