"""A code on the way in: guessing at it has a price, per person and not per attempt to sign in."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.accounts.directory import get_user
from limen.accounts.email_address import throttle_key
from limen.accounts.links.tell_of_guessing import tell_of_guessing
from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.errors import NotAuthenticated, Throttled
from limen.kernel.secret import Secret
from limen.mfa.prove import prove_second_factor
from limen.signin.budgets import Budget
from limen.signin.known_device import known_device
from limen.signin.throttle import Attempt, draw_attempt, forgive

FREE: Final = 5
"""Codes somebody may get wrong before they wait; few, for a code is soon guessed."""

TELL_EVERY: Final = dt.timedelta(hours=1)


async def prove_code(
    work: Work,
    *,
    works: Works,
    envelope: Envelope,
    user_id: str,
    raw_code: Secret[str],
    device: str | None = None,
) -> tuple[str, ...]:
    """Check a code of somebody who proved another factor; the attempt is counted before.

    The budget is the person's, over all nodes and however often they sign in anew (N167). Only
    who knows the password gets here, and who does has a browser that the person used before
    to reckon with: it has a budget of its own (N161).

    Args:
        work: Nothing written in it yet.
        works: Counts the attempt in a transaction of its own.
        envelope: Opens secrets, keys hashes.
        user_id: Whose code.
        raw_code: As typed.
        device: The browser's device cookie, if it has one.

    Returns:
        What it adds to ``amr``.

    Raises:
        Throttled: ``too_many_attempts``; nothing was looked at.
        NotAuthenticated: ``code_invalid``.
    """
    budget = await _budget(work, envelope, user_id=user_id, device=device)
    try:
        drawn = await draw_attempt(works, work, envelope=envelope, budgets=(budget,))
    except Throttled:
        work.even_if_refused(lambda keeping: _warn(keeping, envelope, user_id))
        raise
    try:
        proven = await prove_second_factor(
            work, envelope=envelope, user_id=user_id, raw_code=raw_code
        )
    except NotAuthenticated:
        raise
    except Exception:  # never looked at
        _give_back(work, drawn)
        raise
    _give_back(work, drawn)
    return proven


def _give_back(work: Work, drawn: Attempt) -> None:
    work.even_if_refused(lambda keeping: forgive(keeping, drawn))


async def _budget(work: Work, envelope: Envelope, *, user_id: str, device: str | None) -> Budget:
    email = (await get_user(work, user_id)).email
    key = await envelope.derive(work, "known device")
    known = None
    if email is not None:
        known = known_device(device, account=throttle_key(email), key=key)
    if known is not None:
        return Budget("second_factor_device", f"{known} {user_id}", FREE)
    return Budget("second_factor", user_id, FREE)


async def _warn(work: Work, envelope: Envelope, user_id: str) -> None:
    await tell_of_guessing(work, envelope=envelope, user_id=user_id, every=TELL_EVERY)
