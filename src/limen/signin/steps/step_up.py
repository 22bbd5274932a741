"""Prove a second factor in a session that there is."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.kernel.secret import Secret
from limen.mfa.factors import has_second_factor
from limen.sessions.elevate import elevate
from limen.sessions.session import Started
from limen.signin.door import Door
from limen.signin.steps.second_factor import prove_code


async def step_up(
    work: Work,
    *,
    user_id: str,
    session_id: str,
    raw_code: Secret[str],
    door: Door,
    device: str | None = None,
) -> Started:
    """Elevate a session; its cookie, if it has one, is a new one, its sign-in as old as it was.

    Args:
        work: Nothing written in it yet.
        user_id: Whose session it is.
        session_id: Which.
        raw_code: As typed.
        door: See there.
        device: The browser's device cookie, if it has one.

    Raises:
        NotFound: ``factor_not_found``: there is nothing to step up with.
        Throttled: ``too_many_attempts``.
        NotAuthenticated: ``code_invalid``, or the session is over.
    """
    if not await has_second_factor(work, user_id):
        raise NotFound("factor_not_found", "You have no second step yet.")
    proven = await prove_code(
        work,
        works=door.works,
        envelope=door.envelope,
        user_id=user_id,
        raw_code=raw_code,
        device=device,
    )
    return await elevate(work, session_id=session_id, amr=proven, again=False)
