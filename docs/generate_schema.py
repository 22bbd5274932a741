"""Write ``docs/schema.md`` from the tables as they are declared (``make docs``)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from limen.db.migrations.older_views import VIEWS, View
from limen.db.schema import load_tables

TARGET = Path(__file__).resolve().parent / "schema.md"

OWNER = re.compile(r"limen(\.[a-z_]+)+\.tables$")

HEAD = """\
# The tables

Made by `make docs` from the `tables.py` of each capability; don't edit by hand.

Every primary key starts with `tenant_id`, and every foreign key carries it, so that no row can
belong to one tenant and point into another. What is looked up is stored as a hash (`*_hash`);
what is read back is sealed (`sealed_*`, AES-256-GCM bound to its place). Types are those of
PostgreSQL; where SQLite's differs it stands behind a slash.
"""

VIEWS_HEAD = """
## Views under older names

Read-only, for reports that older applications' tables were read by. A view whose name is taken in
the database is not made. No secret is in them. On SQLite moments are text (RFC 3339).
"""


def render() -> str:
    """Return the document."""
    load_tables()
    parts = [HEAD]
    for module in sorted(name for name in sys.modules if OWNER.match(name)):
        owned = {v.name: v for v in vars(sys.modules[module]).values() if isinstance(v, sa.Table)}
        parts.append(f"\n## {module.removeprefix('limen.').removesuffix('.tables')}\n")
        parts.extend("\n".join(_lines(table)) for _, table in sorted(owned.items()))
    parts.append(VIEWS_HEAD)
    parts.extend(_view(view) for view in VIEWS)
    return "\n".join(parts).rstrip() + "\n"


def _view(view: View) -> str:
    columns = ", ".join(f"`{name}`" for name in view.columns)
    return f"### `{view.name}`\n\n{view.comment}\n\n{columns}\n"


def _lines(table: sa.Table) -> Iterator[str]:
    yield f"\n### `{table.name}`\n"
    if table.comment:
        yield f"{table.comment}\n"
    yield "| Column | Type | Null | Default | |"
    yield "|---|---|---|---|---|"
    key = {column.name for column in table.primary_key}
    for column in table.columns:
        marks = ["key"] if column.name in key else []
        marks += [column.comment] if column.comment else []
        cells = [f"`{column.name}`", _type(column), "yes" if column.nullable else ""]
        cells += [_default(column), ", ".join(marks)]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield from sorted(_constraints(table))


def _type(column: sa.Column[object]) -> str:
    postgres = column.type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]  # as is
    lite = column.type.compile(sqlite.dialect())
    return postgres.lower() if postgres == lite else f"{postgres.lower()} / {lite.lower()}"


def _default(column: sa.Column[object]) -> str:
    given = column.server_default
    return f"`{given.arg}`" if isinstance(given, sa.DefaultClause) else ""


def _constraints(table: sa.Table) -> Iterator[str]:
    for foreign in table.foreign_key_constraints:
        target = foreign.elements[0].target_fullname.rpartition(".")[0]
        rule = f", on delete {foreign.ondelete.lower()}" if foreign.ondelete else ""
        yield f"- refers to `{target}` by {_names(foreign.column_keys)}{rule}"
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            yield f"- unique: {_names(constraint.columns.keys())}"
        if isinstance(constraint, sa.CheckConstraint):
            yield f"- check: `{constraint.sqltext}`"
    for index in table.indexes:
        expressions = ", ".join(f"`{getattr(e, 'name', e)}`" for e in index.expressions)
        where = index.dialect_options["postgresql"].get("where")
        only = f", where `{where}`" if where is not None else ""
        yield f"- {'unique index' if index.unique else 'index'}: {expressions}{only}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"docs/{TARGET.name}: {len(load_tables().tables)} tables")
