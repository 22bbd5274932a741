"""Rows that are written with the last words of a transaction, because nothing in it reads them.

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

from limen.db.statements import postgresql
from limen.kernel.json_text import json_writer

LastRow = tuple[sa.Insert, Mapping[str, Any]]
"""An INSERT without values, and its columns by name."""


def grouped(rows: Iterable[LastRow]) -> list[tuple[sa.Insert, list[Mapping[str, Any]]]]:
    """Gather the rows of each statement, in order."""
    groups: dict[sa.Insert, list[Mapping[str, Any]]] = {}
    for insert, row in rows:
        groups.setdefault(insert, []).append(row)
    return list(groups.items())


def as_script(insert: sa.Insert, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write an INSERT of whole rows as text without parameters, for PostgreSQL.

    Only a text without parameters can share a message with COMMIT. Whatever the values hold
    can't end the literal they stand in: it is Base64 of JSON, which the server takes apart.

    Args:
        insert: Without values of its own.
        rows: All with the same columns: texts, numbers, booleans, moments, JSON documents.

    Raises:
        TypeError: If a value is of no such kind.
    """
    before, behind = _frame(insert, tuple(rows[0]))
    return f"{before}{base64.b64encode(_encode(rows).encode()).decode()}{behind}"


@functools.lru_cache(maxsize=64)
def _frame(insert: sa.Insert, names: tuple[str, ...]) -> tuple[str, str]:
    dialect, columns = postgresql(), insert.table.c
    quote = dialect.identifier_preparer.quote
    typed = [f"{quote(name)} {columns[name].type.compile(dialect=dialect)}" for name in names]
    into = f"{quote(insert.table.name)} ({', '.join(map(quote, names))})"
    return (
        f"INSERT INTO {into} SELECT * FROM jsonb_to_recordset(convert_from(decode('",  # noqa: S608 -- names of ours
        f"', 'base64'), 'UTF8')::jsonb) AS told({', '.join(typed)})",
    )


def _plain(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} does not travel as JSON")


_encode: Final = json_writer(default=_plain)
