"""Whatever reads foreign input has a property test: it returns what it says, or refuses.

A function counts as tried if a test with ``@given`` names it, by itself or through the functions
and tables of its own file.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, SOURCE, imported, modules, parsed

PARSER = re.compile(
    r"(parse|read|decode|normal|named|verify|import)_[a-z0-9_]+|read|peek|decrypt|prove|open_cursor"
)
AT_HOME = ("cli", "settings", "testing", "simulators", "embed", "db", "observe")
"""Folders whose input is the operator's own, or ours."""

NOT_FOREIGN = {
    "crypto/keyring_store.py::read_keys": "rows of ours",
    "oauth/registry/register_client.py::named_members": "a registration of our own making",
    "protocol/jwk.py::import_private": "what our own seal held",
}
"""Not read from anybody else, by file and function; each with the reason."""


def parsers() -> Iterator[tuple[str, str]]:
    """File and name of each public function that is no use case and reads something."""
    for path in modules():
        place = path.relative_to(SOURCE)
        if place.parts[0] in AT_HOME:
            continue
        for node in parsed(path).body:
            if (
                isinstance(node, ast.FunctionDef)
                and PARSER.fullmatch(node.name)
                and not any(_is_no_input(arg) for arg in node.args.args)
                and f"{place.as_posix()}::{node.name}" not in NOT_FOREIGN
            ):
                yield place.as_posix(), node.name


def _is_no_input(arg: ast.arg) -> bool:
    """A use case has ``work``; the parts of a registration are read with the whole of it."""
    return arg.arg == "work" or (arg.annotation and ast.unparse(arg.annotation)) == "Members"


@functools.cache
def tried() -> set[str]:
    """Every name that a property test reaches."""
    files = (ROOT / "tests").rglob("test_*.py")
    trying = [path for path in files if "@given" in path.read_text(encoding="utf-8")]
    return {name for path in trying for name in reached(parsed(path))}


def reached(tree: ast.Module) -> set[str]:
    """What the tests with ``@given`` of a file name, and whatever those names stand for there."""
    said: dict[str, set[str]] = {}
    starts: set[str] = set()
    for node in tree.body:
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            said[node.name] = names
            if any("given" in ast.unparse(each) for each in node.decorator_list):
                starts.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            said |= {t.id: names for t in targets if isinstance(t, ast.Name)}
    found, left = set(starts), list(starts)
    while left:
        new = said.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


PARSERS = sorted(parsers())


def test_there_are_many() -> None:
    assert len(PARSERS) > 70


@pytest.mark.parametrize(("place", "name"), PARSERS, ids=[f"{p}::{n}" for p, n in PARSERS])
def test_every_parser_has_a_property_test(place: str, name: str) -> None:
    assert name in tried(), f"{place}: no test with @given reaches {name}"


def test_each_exception_still_stands() -> None:
    for named in NOT_FOREIGN:
        place, _, function = named.partition("::")
        assert function in (SOURCE / place).read_text(encoding="utf-8"), named


def test_only_what_a_given_test_reaches_counts() -> None:
    tree = ast.parse(
        "TABLE = [parse_a]\n"
        "def helper(): parse_b()\n"
        "@given(x)\ndef test_one(): helper(); TABLE\n"
        "def test_two(): parse_c()\n"
    )
    assert {"parse_a", "parse_b"} <= reached(tree)
    assert "parse_c" not in reached(tree)


def test_files_are_named_from_the_folder() -> None:
    files = (SOURCE / "protocol").rglob("*.py")
    folder = {path.relative_to(SOURCE).as_posix() for path in files}
    assert len(folder & {place for place, _ in PARSERS}) > 25


def patterns() -> dict[str, str]:
    """Every pattern the package keeps, by module and name."""
    kept = {
        f"{module.__name__}.{name}": value.pattern
        for module in imported()
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }
    return {
        name: text.decode("latin-1") if isinstance(text, bytes) else text
        for name, text in kept.items()
    }


def test_no_pattern_ends_before_a_last_newline() -> None:
    # ``$`` does: what it lets through has a line break at its end. ``\Z`` and ``fullmatch`` don't.
    of_one_character = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
    assert len(patterns()) > 50
    assert [n for n, text in patterns().items() if "$" in of_one_character.sub("", text)] == []
