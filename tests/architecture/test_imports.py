from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

from tests.architecture.contracts import RowsStayHome
from tests.architecture.source import ROOT


def check(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    contract = RowsStayHome("rows", {}, {})
    strangers: list[tuple[str, str]] = contract.check(graph, verbose=False).metadata["strangers"]
    return strangers


def graph_of(*imports: tuple[str, str]) -> grimp.ImportGraph:
    graph = grimp.ImportGraph()
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported)
    return graph


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_store_may_be_used_by_its_own_capability() -> None:
    own = graph_of(
        ("limen.vault.connect", "limen.vault.store"),
        ("limen.vault.refresh.claim", "limen.vault.tables"),
    )
    assert check(own) == []


def test_a_store_used_by_another_capability_is_found() -> None:
    foreign = graph_of(("limen.oauth.consent", "limen.accounts.store"))
    assert check(foreign) == [("limen.oauth.consent", "limen.accounts.store")]


def test_a_capability_whose_name_begins_like_another_is_a_stranger() -> None:
    foreign = graph_of(("limen.vaulted.connect", "limen.vault.tables"))
    assert check(foreign) == [("limen.vaulted.connect", "limen.vault.tables")]


def test_no_layer_is_optional_that_exists() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " | ".join(settings["contracts"][0]["layers"]).split(" | ")
    optional = {layer.strip("()") for layer in layers if layer.startswith("(")}
    standing = {
        path.name.removesuffix(".py")
        for path in (ROOT / "src" / "limen").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert optional & standing == set()
