"""What a feature is over a connection: active, missing, denied, or an administrator's. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from limen.federation.facts import Feature
from limen.federation.provider import Provider
from limen.vault.store.features import Noted

State = Literal["active", "missing", "denied", "needs_admin"]

_FIRST_PAUSE: Final = dt.timedelta(days=1)
_LONGEST_PAUSE: Final = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A feature over a connection.

    Args:
        missing_scopes: What the person would have to give.
        ask_again_at: Apps leave a person who said no alone until then; ``None``: they may ask.
    """

    state: State
    missing_scopes: tuple[str, ...] = ()
    ask_again_at: dt.datetime | None = None


def missing_of(feature: Feature, *, provider: Provider, granted: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that a feature lacks; those a provider never names are not lacking."""
    facts = provider.facts
    held = {*granted, *provider.normalise(facts.unechoed_scopes)}
    return tuple(each for each in provider.normalise(feature.scopes) if each not in held)


def standing_of(
    feature: Feature, noted: Noted | None, *, provider: Provider, granted: Iterable[str]
) -> Standing:
    """Return what a feature is; what was granted decides, what was noted explains.

    A feature whose scopes are held but which nobody switched on is missing, of nothing.
    """
    missing = missing_of(feature, provider=provider, granted=granted)
    if not missing:
        is_on = noted is not None and noted.state == "active"
        return Standing(state="active" if is_on else "missing")
    if _is_admins(missing, provider):
        return Standing(state="needs_admin", missing_scopes=missing)
    if noted is not None and noted.denied_at is not None:
        again = noted.denied_at + pause_after(noted.denials)
        return Standing(state="denied", missing_scopes=missing, ask_again_at=again)
    return Standing(state="missing", missing_scopes=missing)


def pause_after(denials: int) -> dt.timedelta:
    """Return how long apps do not ask again: a day, twice as long each time, a month at most."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(max(denials, 1) - 1, 10)))


def _is_admins(scopes: Iterable[str], provider: Provider) -> bool:
    known = provider.facts.scopes
    return any(each in known and known[each].kind == "admin_consent" for each in scopes)
