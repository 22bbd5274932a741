from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SOURCE, relative, tracked

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")
DOCUMENTS = sorted(path for path in tracked() if path.suffix == ".md")
REQUIRED = [
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "docs/error-codes.md",
    "docs/failure-modes.md",
    "docs/guides/README.md",
    "docs/map.md",
    "docs/providers.md",
    "docs/schema.md",
    "docs/production.md",
    "docs/security-cases.md",
    "docs/settings.md",
    "docs/specs.md",
    "docs/specs/oauth.md",
    "docs/specs/openid.md",
    "docs/threats.md",
]


@pytest.mark.parametrize("name", REQUIRED)
def test_the_document_is_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 200


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("schema", "schema.md"),
        ("error_codes", "error-codes.md"),
        ("settings", "settings.md"),
        ("providers", "providers.md"),
        ("postman", "limen.postman_collection.json"),
    ],
)
def test_what_is_generated_is_up_to_date(name: str, document: str) -> None:
    # In a process of its own: other tests may have declared tables here.
    code = (
        "import sys; sys.path.insert(0, 'docs'); "
        f"import generate_{name} as g; sys.stdout.write(g.render())"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert (ROOT / "docs" / document).read_text(encoding="utf-8") == made, "run `make docs`"


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    broken = [
        target
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_says_context_decision_consequences_and_alternatives() -> None:
    wanted = {"## Context", "## Decision", "## Consequences", "## Alternatives"}
    short = {
        path.name: sorted(wanted - set(path.read_text(encoding="utf-8").splitlines()))
        for path in sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    }
    assert {name: missing for name, missing in short.items() if missing} == {}


def test_the_map_names_every_capability() -> None:
    text = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    folders = [path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()]
    assert [name for name in sorted(folders) if f"`{name}`" not in text] == []


def test_the_change_log_has_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()
