from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, relative, tracked

TEXT = {
    "",
    ".py",
    ".toml",
    ".md",
    ".txt",
    ".json",
    ".yml",
    ".yaml",
    ".cfg",
    ".ini",
    ".html",
    ".css",
    ".js",
    ".mjs",
    ".sh",
    ".mako",
}
# Where packages come from is the machine's affair, and where this machine keeps things nobody's.
REGISTRY = re.compile(
    r"(?:files\.pythonhosted|pypi\.org/(?:simple|packages)|registry\.(?:npmjs|yarnpkg)|--(?:extra-)?index-url|--find-links)"
)
MACHINE = re.compile(r"(?<![\w.])/(?:root|home/\w+|Users/\w+|work)/[\w.]")
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))


def texts() -> list[tuple[Path, str]]:
    files = [path for path in tracked() if path.suffix in TEXT and path != Path(__file__)]
    return [(path, path.read_text(encoding="utf-8")) for path in files]


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE], ids=["registry", "machine-path"])
def test_no_file_names_a_registry_or_a_place_on_a_machine(pattern: re.Pattern[str]) -> None:
    found = [
        f"{relative(path)}: {hit[0]}" for path, text in texts() if (hit := pattern.search(text))
    ]
    assert found == []


def test_requirements_exist() -> None:
    assert {path.stem for path in REQUIREMENTS} == {"runtime", "dev", "build", "uv"}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.stem)
def test_every_requirement_is_one_version_with_hashes(path: Path) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", path.read_text())
    pins = [block for block in blocks if not block.startswith("#")]
    assert pins
    assert [
        p
        for p in pins
        if not re.match(r"[a-z0-9._-]+(?:\[[a-z,]+\])?==", p) or "--hash=sha256:" not in p
    ] == []


def test_every_direct_dependency_is_pinned_and_has_a_written_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {re.split(r"[\[<>=; ]", d)[0] for d in project["project"]["dependencies"]}
    development = [d for d in project["dependency-groups"]["dev"] if isinstance(d, str)]
    wanted |= {re.split(r"[\[<>=; ]", d)[0] for d in development}
    pins = (ROOT / "requirements" / "dev.txt").read_text()
    reasons = (ROOT / "docs" / "decisions" / "0004-dependencies.md").read_text()
    assert (
        sorted(
            name for name in wanted if not re.search(rf"^{name}(?:\[.*\])?==", pins, re.MULTILINE)
        )
        == []
    )
    assert sorted(name for name in wanted if f"`{name}`" not in reasons) == []


def test_node_packages_are_pinned_by_hash_and_by_no_address() -> None:
    lock = json.loads((ROOT / "tests/interop/node/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []


def test_the_workflow_script_runs_what_developers_run() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make check test" in script.read_text()
