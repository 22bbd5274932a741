"""An app saw the provider's API refuse a token: what to do about it (F12)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from limen.db.work import Work
from limen.vault.parts import Parts
from limen.vault.token_for import Wanted, token_for

Advice = Literal["use_newer", "wait", "check_features"]

_UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of a report.

    Args:
        advice: ``use_newer``: fetch the token, it is another one now; ``wait``: the token is so
            new that another would not be better; ``check_features``: the token is good, and
            does not cover what was asked.
        generation: Of the token there is now.
    """

    advice: Advice
    generation: int


async def report(work: Work, parts: Parts, *, wanted: Wanted, status: int) -> Reported:
    """Look into a refusal: whoever reports first has the token refreshed, the others are told.

    Args:
        work: Clean: a refresh gives its connection back.
        parts: The vault's.
        wanted: The connection, its owner, and the generation that was refused.
        status: What the provider's API answered: 401, or 403.

    Raises:
        NotFound: ``connection_not_found``.
        Conflict: ``connection_reauth_required``.
        ProviderUnavailable, Unavailable: It can't be refreshed now.
    """
    seen = wanted.seen_generation or 0
    if status != _UNAUTHORIZED:
        # A token that lacks a scope is refused for ever: refreshing it would burn it for others.
        released = await token_for(work, parts, wanted=replace(wanted, seen_generation=None))
        return Reported(advice="check_features", generation=released.generation)
    released = await token_for(work, parts, wanted=wanted)
    if released.generation > seen:
        return Reported(advice="use_newer", generation=released.generation)
    advice: Advice = "check_features" if released.stands else "wait"
    return Reported(advice=advice, generation=released.generation)
