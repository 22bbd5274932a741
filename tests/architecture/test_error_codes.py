"""Every code that a client may read is explained on the error codes page."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.oauth.described.errors import ERRORS, OTHER_ERRORS
from tests.architecture.source import ROOT, modules, parsed, relative

KINDS = {"OAuthRefusal", "InvalidClient", "BearerRefusal"}
PAGE = (ROOT / "docs" / "error-codes.md").read_text(encoding="utf-8")


def codes(path: Path) -> Iterator[str]:
    """What a module refuses with by name, in the words of OAuth."""
    if not any(kind in path.read_text(encoding="utf-8") for kind in KINDS):
        return  # most do not, and parsing them all costs every run seconds
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            first = node.args[0] if node.args else None
            if node.func.id in KINDS and isinstance(first, ast.Constant) and first.value:
                yield str(first.value)


REFUSING = [path for path in modules() if any(codes(path))]


@pytest.mark.parametrize("path", REFUSING, ids=relative)
def test_every_oauth_code_is_explained(path: Path) -> None:
    assert {code for code in codes(path) if code not in {*ERRORS, *OTHER_ERRORS}} == set()


def test_the_page_could_read_every_code() -> None:
    # In a process of its own: the generator is a script and no module of ours.
    code = "import sys; sys.path.insert(0, 'docs'); import generate_error_codes as g; "
    code += "print(*g.unread(), sep='\\n')"
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert made.stdout.split("\n") == ["", ""]


@pytest.mark.parametrize("code", [*ERRORS, *OTHER_ERRORS])
def test_the_page_has_the_code(code: str) -> None:
    assert f"| `{code}` |" in PAGE
