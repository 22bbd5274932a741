"""Which of an older application's consents are ours: those that are a feature's, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from limen.cli.upstream.older.columns import says_ended, says_no, text_of, value_of, words_of
from limen.cli.upstream.older.read import Row

_TABLE: Final = "oauth_consents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The features of one provider here.

    Args:
        scopes_of: By name, under the names that answers use.
        normalise: Says scopes under those names.
    """

    scopes_of: Mapping[str, frozenset[str]]
    normalise: Callable[[Iterable[str]], tuple[str, ...]]


def feature_of(row: Row, offered: Offered | None) -> tuple[str, str]:
    """Return the feature that a consent is for, or nothing and why it is not taken over."""
    ended = says_ended(value_of(_TABLE, row, "ended"))
    if ended or says_no(value_of(_TABLE, row, "granted")):
        return "", "it was withdrawn or refused"
    if offered is None:
        return "", "its integration is not taken over"
    name = text_of(_TABLE, row, "feature")
    if name:
        known = name in offered.scopes_of
        return (name, "") if known else ("", "the provider has no such feature here")
    scopes = frozenset(offered.normalise(words_of(_TABLE, row, "scopes")))
    exact = [each for each, needed in offered.scopes_of.items() if scopes and needed == scopes]
    if len(exact) == 1:
        return exact[0], ""
    return "", "its scopes are not exactly those of one feature"
