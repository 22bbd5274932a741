"""What a person has besides a password."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from limen.access.require import check_first_party, check_recent
from limen.db.work import Work
from limen.kernel.errors import ReauthenticationRequired
from limen.mfa import store
from limen.mfa.prove import TWO


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """A person's second factors.

    Args:
        totp_since: When an authenticator app was confirmed; ``None`` without one.
        last_used_at: When a code of it was last accepted.
        recovery_codes_left: Zero where there is nothing to recover.
    """

    totp_since: dt.datetime | None
    last_used_at: dt.datetime | None
    recovery_codes_left: int


async def has_second_factor(work: Work, user_id: str) -> bool:
    """Whether a person has a second factor, confirmed."""
    return await store.has_factor(work, user_id)


def foresee_second_factor(work: Work, user_id: str) -> None:
    """Have read along what ``has_second_factor`` will ask of this Work (``Work.foresee``)."""
    store.foresee_factor(work, user_id)


async def factors_of(work: Work, user_id: str) -> Factors:
    """Return what a person has."""
    found = await store.find_totp(work, user_id)
    if found is None or found.confirmed_at is None:
        return Factors(totp_since=None, last_used_at=None, recovery_codes_left=0)
    return Factors(
        totp_since=found.confirmed_at,
        last_used_at=found.last_used_at,
        recovery_codes_left=await store.count_codes(work, user_id),
    )


async def check_may_change_factors(work: Work) -> None:
    """Refuse unless the actor proved who they are a short while ago, with every factor they have.

    A copied session must not be enough to take a factor away or to add a thief's (N269), nor
    what an application was lent.

    Raises:
        NotPermitted: ``first_party_only``.
        ReauthenticationRequired: ``reauth_required``.
    """
    check_first_party(work)
    check_recent(work)
    if TWO not in work.actor.amr and await store.has_factor(work, work.actor.id):
        raise ReauthenticationRequired(public="Sign in again, with your second step, to do this.")
