"""What strangers write: anything at all, and what is nearly right."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from limen.kernel.errors import Refusal
from limen.protocol.params import Params

FEW = settings(max_examples=50)
"""Many parsers are tried: together they shall take seconds."""

PIECES = [
    "", " ", "\0", "\n", "\r\n", "\t", "=", "==", "&", "+", "%", "%00", "%2", "%zz", "%C0%AF", "/", "//", "\\", ".",
    "..", ",", ";", ":", "@", "#", "?", "[", "]", "{", "}", '"', "'", "`", "<", ">", "*", "|", "-", "_", "~", "é", "İ",
    "ß", "\u200b", "\u202e", "\ufeff", "\uff21", "\U0001d7d9", "\U0001f512", "\u2028", "null", "true", "NaN", "-1", "1e400", "0x7f",
    "9" * 40, "9" * 5000, "a" * 300, "[[[[", '{"a":', "http://", "https://", "javascript:", "openid", "localhost", "::1",
]  # fmt: skip
"""What parsers stumble over."""

TEXTS: SearchStrategy[str] = st.text(max_size=40) | st.sampled_from(PIECES)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**70)
    | st.floats(allow_nan=False)
    | TEXTS
)
JSON: SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value as decoded, infinity among them: a parser need not know who decoded it."""


@st.composite
def near(draw: st.DrawFn, *valid: str) -> str:
    """A valid text with up to three edits; sometimes with none."""
    text = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 4))
        text = text[:at] + draw(st.sampled_from(PIECES)) + text[at + cut :]
    return text


ODD: SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, -1, 7, 1.5, 2**70, float("inf"), "", "x" * 300, [], {}, [""], [[]], [None], {"a": 1}, [{}], "none"]
)  # fmt: skip


@st.composite
def objects(draw: st.DrawFn, valid: Mapping[str, Any]) -> dict[str, Any]:
    """A valid object with up to three members, at any depth, changed, taken away or added."""
    made: dict[str, Any] = copy.deepcopy(dict(valid))
    for _ in range(draw(st.integers(0, 3))):
        place: Any = made
        while True:
            names = [*place] if isinstance(place, dict) else [*range(len(place))]
            name = draw(st.sampled_from([*names, "x"] if isinstance(place, dict) else names))
            inner = place[name] if name in names else None
            if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                break
            place = inner
        if draw(st.booleans()) and name in names and len(place) > 1:
            del place[name]
        else:
            place[name] = copy.deepcopy(draw(ODD | JSON))
    return made


def params(valid: Mapping[str, str]) -> SearchStrategy[Params]:
    """A request with some parameters nearly right, repeated or missing."""
    values = TEXTS | near(*valid.values())
    more = st.lists(st.tuples(st.sampled_from(list(valid)), values), max_size=3)
    kept = st.sets(st.sampled_from(list(valid)))
    return st.builds(
        lambda keep, extra: Params(
            [(name, value) for name, value in valid.items() if name in keep] + extra
        ),
        kept,
        more,
    )


def read_or_refused(parse: Callable[..., object], *given: Any, **named: Any) -> object:
    """Call a parser; a refusal is an answer, anything else that is raised is a defect."""
    try:
        return parse(*given, **named)
    except Refusal as refused:
        return refused


def all_of(parsers: Iterable[Callable[..., object]], *given: Any) -> None:
    """Try several parsers on the same input."""
    for parse in parsers:
        read_or_refused(parse, *given)
