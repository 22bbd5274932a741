"""Every SQL statement the project keeps, with what its author wrote beside it."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from typing_extensions import override

from limen.db.statements import SQLITE, postgresql, prepare
from tests.architecture.source import comments_at, imported, parsed, relative

BUILDERS = {"select", "insert", "update", "delete", "text", "union", "union_all"}
ACROSS_TENANTS = re.compile(r"# tenant: all\W+\w{2}")
SCANS = re.compile(r"# scans: \S")
PER_CALL = re.compile(r"# built per call: \S")


@dataclass(frozen=True)
class Kept:
    """A statement at the top level of a module."""

    path: Path
    name: str
    statement: Any = field(repr=False, compare=False)
    comments: str

    @override
    def __str__(self) -> str:
        return f"{relative(self.path)}:{self.name}"

    @property
    def unconstrained(self) -> list[str]:
        """The tables it reads or changes without comparing their tenant_id."""
        return sorted({t.name for t in _tables(self.statement) - _by_tenant(self.statement)})

    @property
    def is_limited(self) -> bool:
        return isinstance(self.statement, sa.Select) and self.statement._limit_clause is not None

    def table(self, name: str) -> sa.Table | None:
        """Return the table behind a name in a plan: its own, or that of an alias."""
        found = next((t for t in _tables(self.statement) if t.name == name), None)
        table = getattr(found, "element", found)
        return table if isinstance(table, sa.Table) else None

    def sql(self, engine: str) -> tuple[str, list[Any]]:
        """Return its text for one engine, with a null for every parameter."""
        dialect = SQLITE if engine == "sqlite" else postgresql()
        given: dict[str, Any] = {
            bind.key: [None] if bind.expanding else bind.value
            for bind in visitors.iterate(self.statement)
            if isinstance(bind, sa.BindParameter)
        }
        return prepare(self.statement, dialect, given).bind(given)


KEEPERS = r"\.(?:[a-z_]+_)?(?:store|listing)(?:\.|$)|^limen\.db\.(?:leases|outbox|single_use)$"


@functools.cache
def kept() -> tuple[Kept, ...]:
    return tuple(found for module in imported(KEEPERS) for found in _in_module(module))


def _in_module(module: ModuleType) -> Iterator[Kept]:
    path = Path(str(module.__file__))
    for node in parsed(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                comments = comments_at(path, node.lineno, node.end_lineno or node.lineno)
                for name, statement in _statements(target.id, getattr(module, target.id, None)):
                    yield Kept(path, name, statement, comments)


def _statements(name: str, value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(
        value, sa.Select | sa.Insert | sa.Update | sa.Delete | sa.CompoundSelect | sa.TextClause
    ):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _statements(f"{name}[{key!r}]", item)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _statements(f"{name}[{index}]", item)


def built_per_call(path: Path) -> list[str]:
    """Return where functions build a statement without saying why."""
    found = []
    for function in ast.walk(parsed(path)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of_sqlalchemy = isinstance(node.func.value, ast.Name) and node.func.value.id == "sa"
                said = comments_at(path, node.lineno, node.end_lineno or node.lineno)
                if of_sqlalchemy and node.func.attr in BUILDERS and not PER_CALL.search(said):
                    found.append(f"{relative(path)}:{node.lineno}")
    return found


def _tables(statement: Any) -> set[Any]:
    """Every table it touches, and every alias as a table of its own."""
    elements = list(visitors.iterate(statement))
    aliases = {e for e in elements if isinstance(e, sa.Alias) and isinstance(e.element, sa.Table)}
    tables: set[Any] = {e for e in elements if isinstance(e, sa.Table)}
    if isinstance(statement, sa.Update | sa.Delete):
        tables.add(statement.table)
    if isinstance(statement, sa.Insert):
        tables.discard(statement.table)
    used = {c.table for e in elements if not isinstance(e, sa.Table) for c in _columns(e)}
    return aliases | {t for t in tables if t in used or t not in {a.element for a in aliases}}


def _columns(element: Any) -> list[Any]:
    return [c for c in getattr(element, "get_children", list)() if isinstance(c, sa.Column)]


def _by_tenant(statement: Any) -> set[Any]:
    """Every table whose tenant_id is compared with something."""
    return {
        side.table
        for element in visitors.iterate(statement)
        if isinstance(element, sa.BinaryExpression)
        for side in (element.left, element.right)
        if isinstance(side, sa.Column | sa.ColumnClause) and side.name == "tenant_id"
    }
