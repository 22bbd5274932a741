from __future__ import annotations

import ast
import re
import re._parser as patterns  # type: ignore[import-not-found]  # the only reader of patterns there is
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT, imported, parsed, relative

# How long something took says how busy the machine is. Who waits does it in tests.patience;
# the services of a run are started before there is a test.
CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "time", "time_ns"}
CLOCKS |= {f"{name}_ns" for name in CLOCKS}
MAY_LOOK = {"tests/patience.py", "tests/databases.py"}
REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def clocks_in(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr=attr) if attr in CLOCKS:
                yield f"{relative(path)}:{node.lineno}: time.{attr}"
            case ast.ImportFrom(module="time"):
                yield f"{relative(path)}:{node.lineno}: from time import"
            case _:
                pass


def test_no_test_looks_at_a_real_clock() -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    others = [path for path in files if relative(path) not in MAY_LOOK]
    assert len(others) > 100
    assert [found for path in others for found in clocks_in(path)] == []


def begins_with_a_sign(tree: Any) -> bool:
    operation, argument = tree[0]
    if str(operation) == "SUBPATTERN":
        return begins_with_a_sign(argument[-1])
    return str(operation) == "LITERAL"


def repeats_without_end(tree: Any, *, inside: bool = False) -> Iterator[str]:
    """Every endless repetition of something that itself repeats without end: (a+)+.

    Fine is (-a+)*: each turn begins with a sign of its own, so there is one way to read it.
    """
    for operation, argument in tree:
        name, here = str(operation), inside
        if name in REPEATS and argument[1] == patterns.MAXREPEAT:
            if inside:
                yield name
            here = inside or not begins_with_a_sign(argument[2])
        for child in children_of(argument):
            yield from repeats_without_end(child, inside=here)


def children_of(argument: Any) -> Iterator[Any]:
    """The patterns within a pattern: of a group, of its alternatives, of what repeats."""
    if isinstance(argument, patterns.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for each in argument:
            yield from children_of(each)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("(a+)+", 1),
        ("(?:a|b*)*", 1),
        (r"a+(\.a+)*", 0),
        ("a+b*", 0),
        ("(?:a{0,3})+", 0),
        ("(?=(a+)+)", 1),
    ],
)
def test_nested_repetition_is_found(pattern: str, count: int) -> None:
    assert len(list(repeats_without_end(patterns.parse(pattern)))) == count


def test_n012_no_pattern_of_ours_repeats_a_repetition() -> None:
    """What makes a pattern take exponential time over hostile text can't be written here."""
    found = {
        f"{module.__name__}.{name}": value
        for module in imported()
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }
    assert len(found) > 20
    assert [
        name
        for name, pattern in found.items()
        if list(repeats_without_end(patterns.parse(pattern.pattern, pattern.flags & ~re.UNICODE)))
    ] == []
