"""Every mode of docs/failure-modes.md names tests that are there, or says what is open."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SOURCE, modules

PAGE = ROOT / "docs" / "failure-modes.md"
ALL = [f"F{number}" for number in range(1, 46)]
ROW = re.compile(r"\| (F\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|")
TEST = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
NUMBER = re.compile(r"_f(\d+)(?:_to_f(\d+))?(?=_)")
SECURITY_CASE = re.compile(r"_n\d{3}_")
READERS = {
    "sealing.py",
    "token_for.py",
    "disconnect.py",
    "erasing/export.py",
    "giving/verify.py",
    "moving/unclaimed.py",
    "moving/write_out.py",
    "refresh/renew_credential.py",
    "refresh/stands.py",
}
"""Hand a token out, end it at its provider, take it along when its owner leaves, or ask its
provider about it."""


def rows(page: Path = PAGE) -> dict[str, tuple[str, str, str]]:
    """By number, what goes wrong, how it is answered and who holds it."""
    found = ROW.findall(page.read_text(encoding="utf-8"))
    assert len(found) == len({number for number, *_ in found}), "a mode has two rows"
    return {number: (wrong, answer, held) for number, wrong, answer, held in found}


def modes_of(test: str) -> set[str]:
    """The modes a test's name carries: ``f12``, several, or ``f1_to_f9``."""
    return {
        f"F{each}"
        for first, last in NUMBER.findall(test)
        for each in range(int(first), int(last or first) + 1)
    }


@lru_cache
def declared(file: str) -> frozenset[str]:
    """The tests of a file."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


ROWS = rows()


def test_the_page_has_every_mode_and_no_other() -> None:
    assert list(ROWS) == ALL


@pytest.mark.parametrize("number", ALL)
def test_every_mode_names_tests_that_are_there(number: str) -> None:
    wrong, answer, held = ROWS[number]
    assert min(len(wrong), len(answer)) > 8
    tests = TEST.findall(held)
    assert tests or held.startswith("open: "), f"{number}: name a test or what is open"
    for file, test in tests:
        assert test in declared(file), f"{file} has no {test}"
    numbered = [test for _, test in tests if number in modes_of(test)]
    cases = [test for _, test in tests if SECURITY_CASE.search(test)]
    assert numbered or cases or not tests, f"no test here carries {number}"


def test_no_test_names_a_mode_that_is_not_there() -> None:
    strange = {
        (path.name, name)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in re.findall(r"def (test_f\d[a-z0-9_]*)\(", path.read_text(encoding="utf-8"))
        if not modes_of(name) or not modes_of(name) <= set(ALL)
    }
    assert strange == set()


def test_a_row_without_its_test_would_be_noticed() -> None:
    assert modes_of("test_f7_f8_a_token") == {"F7", "F8"}
    assert modes_of("test_f1_to_f3_no_fault") == {"F1", "F2", "F3"}
    assert modes_of("test_of_n113_nothing") == set()
    assert "test_that_is_not_there" not in declared("architecture/test_failure_modes.py")
    assert TEST.findall("`a/b.py::test_f1_x`, `c.py::test_n113_y`") == [
        ("a/b.py", "test_f1_x"),
        ("c.py", "test_n113_y"),
    ]


def test_f44_tokens_are_opened_in_one_place() -> None:
    vault = SOURCE / "vault"
    readers = {
        path.relative_to(vault).as_posix()
        for path in modules()
        if "open_access" in path.read_text(encoding="utf-8") and path.is_relative_to(vault)
    }
    assert readers == READERS
