"""A token says what it is for by its kind: one taken for another would be a way in."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.architecture.source import modules, parsed, relative

_KIND = re.compile(r"lm[a-z]{1,3}", re.ASCII)
_SHOWN = re.compile(r"\b(lm[a-z]{1,4})_…")


class Named(NamedTuple):
    """A module's name for a kind."""

    place: str
    name: str
    kind: str


def named(path: Path) -> Iterator[Named]:
    """The kinds a module names, each as a constant of its own."""
    if '"lm' not in path.read_text(encoding="utf-8"):
        return
    for node in parsed(path).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            if isinstance(value, str) and _KIND.fullmatch(value.removesuffix("_")):
                yield Named(relative(path), node.target.id, value.removesuffix("_"))


def minted(path: Path) -> Iterator[tuple[str, str]]:
    """Where a module makes tokens, and by which name it calls their kind."""
    if "mint(" not in path.read_text(encoding="utf-8"):
        return
    for node in ast.walk(parsed(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "mint"
        ):
            kind = node.args[0]
            yield f"{relative(path)}:{node.lineno}", kind.id if isinstance(kind, ast.Name) else ""


EVERY = [each for path in modules() for each in named(path)]


def test_no_two_of_them_have_one_kind() -> None:
    counts = Counter(each.kind for each in EVERY)
    assert [each for each in EVERY if counts[each.kind] > 1] == []


def test_every_token_is_made_of_a_kind_that_has_a_name() -> None:
    names = {each.name for each in EVERY}
    made = [pair for path in modules() for pair in minted(path)]
    assert len(made) > 20
    assert [place for place, name in made if name not in names] == []


def test_what_is_shown_as_an_example_is_a_kind_there_is() -> None:
    kinds = {each.kind for each in EVERY}
    shown = {
        (relative(path), kind)
        for path in modules()
        for kind in _SHOWN.findall(path.read_text(encoding="utf-8"))
    }
    assert {(path, kind) for path, kind in shown if kind not in kinds} == set()
