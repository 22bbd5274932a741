"""Writes that leave with the last words of a transaction, because nothing in it reads them.

An audit row would cost a round trip of its own to PostgreSQL, as dear as the statement it tells
of. Kept until the end, all of them travel in one message with the COMMIT.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.visitors import replacement_traverse

from limen.db.statements import postgresql
from limen.kernel.json_text import json_writer

Write = sa.Insert | sa.Update
LastRow = tuple[Write, Mapping[str, Any]]
"""An INSERT without values and its columns by name, or an UPDATE and its parameters."""

_HERE: Final = "@values@"


def grouped(rows: Iterable[LastRow]) -> list[tuple[Write, list[Mapping[str, Any]]]]:
    """Gather the rows of each statement, in order."""
    groups: dict[Write, list[Mapping[str, Any]]] = {}
    for statement, row in rows:
        groups.setdefault(statement, []).append(row)
    return list(groups.items())


def as_script(statement: Write, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write a statement for these rows as text without parameters, for PostgreSQL.

    Only a text without parameters can share a message with COMMIT. Whatever the values hold
    can't end the literal they stand in: it is Base64 of JSON, which the server takes apart.

    Args:
        statement: An INSERT takes all rows at once. An UPDATE is said for each by itself, so that
            rows are locked in the order they are told in.
        rows: All with the same members: texts, numbers, booleans, bytes, moments, JSON documents.

    Raises:
        TypeError: If a value is of no such kind.
    """
    before, behind = _frame(statement, tuple(rows[0]))
    told = [rows] if isinstance(statement, sa.Insert) else [[row] for row in rows]
    return "; ".join(
        f"{before}{base64.b64encode(_encode(each).encode()).decode()}{behind}" for each in told
    )


@functools.lru_cache(maxsize=64)
def _frame(statement: Write, names: tuple[str, ...]) -> tuple[str, str]:
    """Return what stands before and behind the values."""
    dialect = postgresql()
    types = _types(statement)
    document = f"convert_from(decode('{_HERE}', 'base64'), 'UTF8')::jsonb"
    told = sa.func.jsonb_to_recordset(sa.literal_column(document)).table_valued(
        *(sa.column(name, types[name]) for name in names)
    )
    record = told.render_derived("told", with_types=True)
    if isinstance(statement, sa.Insert):
        whole: Any = statement.from_select(list(names), sa.select(record))
    else:
        whole = replacement_traverse(statement, {}, functools.partial(_as_column, record))
    text = str(whole.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    before, behind = text.split(_HERE)
    return before, behind


def _types(statement: Write) -> Mapping[str, Any]:
    if isinstance(statement, sa.Insert):
        return {column.name: column.type for column in statement.table.columns}
    return {name: each.type for name, each in statement.compile().binds.items()}


def _as_column(record: Any, element: Any, **_: Any) -> Any:
    """Put a told value in a parameter's place; a constant of the statement's own stays."""
    is_told = isinstance(element, sa.BindParameter) and element.key in record.c
    return record.c[element.key] if is_told else None


def _plain(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"  # as bytea is told
    raise TypeError(f"a {type(value).__name__} does not travel as JSON")


_encode: Final = json_writer(default=_plain)
