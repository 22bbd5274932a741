from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SOURCE, modules, parsed, relative, tracked

MAX_SOURCE_LINES = 400
MAX_TEST_LINES = 600
MAX_PROVIDER_LINES = 150
MAX_FILES_IN_A_FOLDER = 18
BANNED_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "base",
    "manager",
    "managers",
    "service",
    "services",
    "core",
}
# limen.db.base is what SQLAlchemy's users look for under that name, and holds nothing else.
ALLOWED_NAMES = {"src/limen/db/base.py"}
# Flat on purpose: one file for each concept of a specification, none knowing many others.
WIDE_FOLDERS = {"src/limen/protocol", "src/limen/db/migrations/versions"}
NOQA = re.compile(r"#\s*noqa\b(?P<rest>.*)")
TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<rest>.*)")
NO_COVER = re.compile(r"#\s*pragma:\s*no (?:cover|branch)(?P<rest>.*)")


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_source_file_outgrows_its_limit() -> None:
    # A migration is as long as the change it makes, and nobody edits it afterwards.
    written = [path for path in modules() if path.parent.name != "versions"]
    assert [relative(path) for path in written if lines_of(path) > MAX_SOURCE_LINES] == []


def test_no_test_file_outgrows_its_limit() -> None:
    tests = (ROOT / "tests").rglob("*.py")
    assert [relative(path) for path in tests if lines_of(path) > MAX_TEST_LINES] == []


def test_a_provider_is_short() -> None:
    providers = [path for path in modules() if path.parent.name == "providers"]
    assert [relative(path) for path in providers if lines_of(path) > MAX_PROVIDER_LINES] == []


def test_no_folder_is_crowded() -> None:
    folders = {path.parent for path in modules()} - {SOURCE}
    crowded = [
        relative(folder)
        for folder in sorted(folders)
        if len([p for p in folder.glob("*.py") if p.name != "__init__.py"]) > MAX_FILES_IN_A_FOLDER
    ]
    assert [name for name in crowded if name not in WIDE_FOLDERS] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [relative(path) for path in modules() if not ast.get_docstring(parsed(path))]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = [
        relative(path)
        for path in modules()
        if path.stem in BANNED_NAMES or path.parent.name in BANNED_NAMES
    ]
    assert [name for name in named if name not in ALLOWED_NAMES] == []


def test_every_capability_has_a_map() -> None:
    folders = {path.parent for path in modules() if "migrations" not in path.parts}
    unmapped = [relative(folder) for folder in folders if not (folder / "__init__.py").exists()]
    assert unmapped == []


@pytest.mark.parametrize(
    ("escape", "reason"),
    [
        (NOQA, re.compile(r"^: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*\s+(?:--|#)\s*\S")),
        (TYPE_IGNORE, re.compile(r"^\[[a-z, -]+\]\s+(?:--|#)\s*\S")),
        (NO_COVER, re.compile(r"^\s+(?:--|#)\s*\S")),
    ],
    ids=["noqa", "type-ignore", "no-cover"],
)
def test_every_escape_names_its_rule_and_gives_its_reason(
    escape: re.Pattern[str],
    reason: re.Pattern[str],
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, bare = 0, []
    for path in tracked():
        if path.suffix != ".py" or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := escape.search(line):
                found += 1
                if not reason.match(_merged(match["rest"])):
                    bare.append(f"{relative(path)}:{number}: {line.strip()}")
    with capsys.disabled():
        print(f"\nescapes of the kind {request.node.callspec.id}: {found}", end=" ")
    assert bare == []


def _merged(rest: str) -> str:
    """Two escapes on a line share the reason that stands behind the second."""
    return re.sub(r"\s+#\s*(?:noqa|type:\s*ignore)[^ ]*(?: [A-Z]+[0-9]+)*", "", rest, count=1)
