"""Every case of docs/security-cases.md has tests that carry its number, or says why it has none."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "security-cases.md"
SECTIONS = {
    "A": "3-7 9-20 22",
    "B": "25-30",
    "C": "31-35 37-38 40-41",
    "D": "43-44 46-53",
    "E": "55 57 59-60 63-65 67-68",
    "F": "69-76 78-80 82-84",
    "G": "87 90 92-97",
    "H": "98-101 103-104 107-108 110-112",
    "I": "113-118 120-121 123-128",
    "J": "129-137",
    "K": "138-148 153",
    "L": "155 157-161",
    "M": "162-173 269",
    "N": "176-189 272-273",
    "O": "190-197 199-201 203-207 209-212 274-275",
    "P": "213-215 218",
    "Q": "220-223 225-227 229 231-240 276",
    "R": "263-266 268",
    "S": "241-243 245-246 277-278",
    "T": "247-249 251-262",
}
"""The catalogue, section by section; numbers that are missing are not in use."""

BUILT = "ABCDEFGH"
"""Sections of which each case has a test."""
REASONS = ("not built: ", "open: ")

ROW = re.compile(r"\| N(\d{3}) \| ([^|]+) \| ([^|]+) \|")
DECLARED = re.compile(r"def (test_[a-z0-9_]+)\(")
NUMBER = re.compile(r"_n(\d{3})(?:_to_n(\d{3}))?(?=_)")


def numbers(section: str) -> list[str]:
    """The numbers of a section, in its order."""
    found: list[str] = []
    for part in SECTIONS[section].split():
        first, _, last = part.partition("-")
        found += [f"{each:03}" for each in range(int(first), int(last or first) + 1)]
    return found


def named() -> dict[str, set[str]]:
    """By number, the files of tests that carry it in their name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in DECLARED.findall(path.read_text(encoding="utf-8")):
            for number in cases_of(name):
                found[number].add(path.relative_to(ROOT / "tests").as_posix())
    return found


def cases_of(test: str) -> list[str]:
    """The cases that a test's name carries: ``n031``, several, or ``n069_to_n084``."""
    return [
        f"{each:03}"
        for first, last in NUMBER.findall(test)
        for each in range(int(first), int(last or first) + 1)
        if f"{each:03}" in ALL or not last
    ]


def rows(page: Path = PAGE) -> dict[str, tuple[str, str]]:
    """By number, what is refused and who holds it."""
    found = ROW.findall(page.read_text(encoding="utf-8"))
    assert len(found) == len({number for number, *_ in found}), "a case has two rows"
    return {number: (said, held) for number, said, held in found}


ALL = [number for section in SECTIONS for number in numbers(section)]
NAMED = named()
ROWS = rows()


def test_the_page_has_every_case_and_no_other() -> None:
    assert len(ALL) == len(set(ALL)) > 220
    assert list(ROWS) == ALL


def test_no_test_names_a_case_that_is_not_there() -> None:
    assert sorted(set(NAMED) - set(ALL)) == []


@pytest.mark.parametrize("number", ALL)
def test_every_case_is_held_or_says_why_not(number: str) -> None:
    said, held = ROWS[number]
    assert 8 < len(said) < 120
    files = re.findall(r"`([^`]+)`", held)
    for file in files:
        assert file in NAMED[number], f"{file} has no test_n{number}_…"
    if not files:
        assert held.strip("*").startswith(REASONS), f"N{number}: name a test or a reason"
        assert number not in NAMED, f"N{number} has tests now: {sorted(NAMED[number])}"


@pytest.mark.parametrize("number", [each for section in BUILT for each in numbers(section)])
def test_what_is_built_has_a_test(number: str) -> None:
    assert NAMED[number], f"no test_n{number}_…"


def test_a_row_without_its_test_would_be_noticed() -> None:
    assert cases_of("test_n078_to_n080_no_abuse") == ["078", "079", "080"]
    assert cases_of("test_n031_n999_what_is_not_there") == ["031", "999"]
    assert ROW.findall("| N031 | A code again | `negative/test_c_codes.py` |")
    assert "negative/test_c_codes.py" in NAMED["031"]
    assert "negative/test_c_codes.py" not in NAMED["166"]
