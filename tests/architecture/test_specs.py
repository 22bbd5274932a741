from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SOURCE, parsed

QUOTED = re.compile(r"`([^`]+)`")


WANTED = """
    RFC 6749|OAuth 2.1|RFC 6750|RFC 7009|RFC 7523|RFC 7591|RFC 7592|RFC 7636|RFC 7662|RFC 8252
    RFC 8414|RFC 8628|RFC 8693|RFC 8705|RFC 8707|RFC 9068|RFC 9101|RFC 9126|RFC 9207|RFC 9396
    RFC 9449|RFC 9470|RFC 9701|RFC 9728|OIDC Core|OIDC Discovery|OIDC Registration
    OIDC RP-Initiated Logout|OIDC Back-Channel Logout|OIDC Front-Channel Logout|CIBA
    FAPI 2.0 SP|FAPI 2.0 MS|RFC 8417|RFC 8935|RFC 8936
"""


PAGES = sorted((ROOT / "docs" / "specs").glob("*.md"))
THREATS = ROOT / "docs" / "threats.md"
REASONS = ("Not kept: ", "Not ours: ")


def lines(*pages: Path) -> list[list[str]]:
    """Return the cells of every row of the tables that have modules and tests."""
    tables = [
        table
        for page in pages
        for table in page.read_text(encoding="utf-8").split("\n\n")
        if not table.startswith("| Specification | Rule | Why not |")
    ]
    found = [line for table in tables for line in table.splitlines() if line.startswith("| ")]
    cells = [line.strip("| ").split(" | ") for line in found]
    return [row for row in cells if row[-1] != "Test"]


def rows(*pages: Path) -> list[tuple[str, list[str], list[str]]]:
    """Return what is said, the modules and the tests of every row that has them."""
    return [
        (" ".join(said), QUOTED.findall(modules), QUOTED.findall(tests))
        for *said, modules, tests in lines(*pages)
        if not tests.startswith(REASONS)
    ]


def reasons(*pages: Path) -> list[tuple[str, str]]:
    """Return what is said and the reason of every row that says why there is no test."""
    return [
        (" ".join(said), why) for *said, _modules, why in lines(*pages) if why.startswith(REASONS)
    ]


ROWS = rows(*PAGES, THREATS)


def test_the_tables_have_rows() -> None:
    assert len(rows(*PAGES)) > 500
    assert len(rows(THREATS)) > 50


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_row_is_whole(page: Path) -> None:
    assert [row for row in lines(page) if len(row) != 4] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_index_names_every_page(page: Path) -> None:
    index = (ROOT / "docs" / "specs.md").read_text(encoding="utf-8")
    assert f"(specs/{page.name})" in index


def test_what_is_not_kept_has_a_reason() -> None:
    short = [rule for rule, why in reasons(*PAGES) if len(why.partition(": ")[2].split()) < 3]
    assert short == []


@pytest.mark.parametrize("specification", re.split(r"[|\n]", WANTED.strip()))
def test_every_specification_is_there(specification: str) -> None:
    said = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert f"{specification.strip()} §" in said


@pytest.mark.parametrize(("rule", "modules", "tests"), ROWS, ids=[row[0] for row in ROWS])
def test_every_row_names_a_module_and_a_test_that_exist(
    rule: str, modules: list[str], tests: list[str]
) -> None:
    assert modules, rule
    assert tests, rule
    assert [name for name in modules if not (SOURCE / name).exists()] == []
    assert [name for name in tests if not declared(name)] == []


def declared(name: str) -> bool:
    """Say whether a test file, or a test in it, is there."""
    file, _, function = name.partition("::")
    path = ROOT / "tests" / file
    return path.exists() and (not function or function in functions(path))


@functools.cache
def functions(path: Path) -> frozenset[str]:
    """Return the names of a file's functions; many rows name the same files."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(parsed(path)) if isinstance(node, kinds))


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert not declared("unit/protocol/test_pkce.py::test_of_nothing")
    assert not declared("unit/protocol/test_nothing.py")
    assert declared("architecture/test_specs.py::test_the_tables_have_rows")
