"""Statements compiled once and bound many times, for the raw drivers of both engines.

Building and executing through SQLAlchemy's engine costs several times the driver's own work;
its compiler is what we want of it: one way to say a query, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import functools
import weakref
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler

SQLITE: Final[Dialect] = pysqlite.dialect()

Processor = Callable[[Any], Any]
_REQUIRED: Final = object()


class DatabaseRetry(Exception):  # noqa: N818 -- a state, retried by Works
    """Serialization failure (40001) or deadlock (40P01): the Work may be run again."""


@functools.cache
def postgresql() -> Dialect:
    """Return the dialect of PostgreSQL; loaded where one is used, for its weight."""
    from sqlalchemy.dialects.postgresql import asyncpg  # noqa: PLC0415 -- as it says

    return asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types


class Row(Protocol):
    """A tuple whose values are also attributes, by column name."""

    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, index: int) -> Any: ...
    def _asdict(self) -> dict[str, Any]: ...


class Rows:
    """What a statement gave back: its rows, or how many it changed."""

    __slots__ = ("_rows", "count")

    def __init__(self, rows: list[Row], count: int) -> None:
        self._rows = rows
        self.count = count

    def all(self) -> list[Row]:
        """Return every row."""
        return self._rows

    def first(self) -> Row | None:
        """Return the first row, or ``None``."""
        return self._rows[0] if self._rows else None

    def one(self) -> Row:
        """Return the only row.

        Raises:
            LookupError: If there is none, or more than one.
        """
        if len(self._rows) != 1:
            raise LookupError(f"{len(self._rows)} rows where one was expected")
        return self._rows[0]

    def scalar(self) -> Any:
        """Return the first column of the first row, or ``None``."""
        return self._rows[0][0] if self._rows else None


class Prepared:
    """One statement in one dialect, ready to bind.

    Attributes:
        sql: The text, or ``None`` when a list parameter makes it differ by call.
        returns_rows: Whether the driver has rows to fetch.
        width: How many columns these have.
    """

    __slots__ = ("_compiled", "_make", "_plan", "_results", "returns_rows", "sql", "width")

    def __init__(self, compiled: SQLCompiler) -> None:
        self._compiled = compiled
        expands = bool(compiled.post_compile_params or compiled.literal_execute_params)
        self.sql = None if expands else compiled.string
        self._plan = [] if expands else _plan(compiled, compiled.positiontup or ())
        columns = compiled._result_columns  # noqa: SLF001 -- the compiler's public result map is by name only
        self.returns_rows = bool(columns)
        self.width = len(columns)
        row = namedtuple("_Row", [c.keyname for c in columns], rename=True)  # type: ignore[misc]  # noqa: PYI024 -- shaped by the statement
        self._make: Callable[[Iterable[Any]], Any] = row._make
        self._results = _result_processors(compiled.dialect, columns)

    @property
    def places(self) -> int:
        """How many values it is bound to."""
        return len(self._plan)

    def bind(self, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Return the SQL text and its positional values.

        Raises:
            TypeError: If a parameter the statement needs was not given.
        """
        if self.sql is not None:
            return self.sql, _values(self._plan, given)
        return self._expanded(given)

    def _expanded(self, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
        merged = self._compiled.construct_params(dict(given))
        state = self._compiled._process_parameters_for_postcompile(merged)  # noqa: SLF001 -- what SQLAlchemy's own cursor calls
        merged.update(state.parameters)
        processors = {**self._compiled._bind_processors, **state.processors}  # noqa: SLF001 -- as above
        values = []
        for name in state.positiontup or ():
            process = cast("Processor | None", processors.get(name))
            values.append(process(merged[name]) if process else merged[name])
        return state.statement, values

    def rows(self, raw: Iterable[Sequence[Any]]) -> list[Row]:
        """Turn the driver's rows into ours."""
        if not self._results:
            return [cast("Row", self._make(values)) for values in raw]
        made: list[Row] = []
        for values in raw:
            listed = list(values)
            for index, process in self._results:
                listed[index] = process(listed[index])
            made.append(cast("Row", self._make(listed)))
        return made


def _plan(compiled: SQLCompiler, names: Iterable[str]) -> list[tuple[str, Any, Processor | None]]:
    processors = cast("Mapping[str, Processor]", compiled._bind_processors)  # noqa: SLF001 -- the compiler keeps them nowhere else
    plan: list[tuple[str, Any, Processor | None]] = []
    for name in names:
        bind = compiled.binds[name]
        default = _REQUIRED if bind.required else bind.effective_value
        plan.append((name, default, processors.get(name)))
    return plan


def _values(plan: list[tuple[str, Any, Processor | None]], given: Mapping[str, Any]) -> list[Any]:
    values = []
    for name, default, process in plan:
        value = given.get(name, default)
        if value is _REQUIRED:
            raise TypeError(f"the statement needs {name!r}")
        values.append(process(value) if process else value)
    return values


def _result_processors(dialect: Dialect, columns: Iterable[Any]) -> list[tuple[int, Processor]]:
    found = []
    for index, column in enumerate(columns):
        if isinstance(column.type, sa.Float):
            continue  # both drivers give one; SQLAlchemy asks for a cursor's type code
        process = column.type._cached_result_processor(dialect, None)  # noqa: SLF001 -- what SQLAlchemy's own result calls
        if process is not None:
            found.append((index, process))
    return found


_prepared: weakref.WeakKeyDictionary[Executable, dict[tuple[str, ...], Prepared]] = (
    weakref.WeakKeyDictionary()
)


def prepare(statement: Executable, dialect: Dialect, given: Mapping[str, Any]) -> Prepared:
    """Return the statement compiled for the dialect, from the cache after the first time.

    Args:
        statement: Kept at module level by its ``store.py``; compiled once per dialect.
        dialect: ``SQLITE`` or ``postgresql()``.
        given: The parameters of this call; an INSERT without values takes its columns from it.
    """
    columns = tuple(given) if _wants_columns(statement) else ()
    key = (dialect.name, *columns)
    by_key = _prepared.get(statement)
    if by_key is None:
        by_key = _prepared[statement] = {}
    found = by_key.get(key)
    if found is None:
        found = by_key[key] = Prepared(_compile(statement, dialect, columns))
    return found


def _wants_columns(statement: Executable) -> bool:
    if not isinstance(statement, sa.Insert):
        return False
    return statement._values is None and statement.select is None  # noqa: SLF001 -- no public flag


def _compile(statement: Executable, dialect: Dialect, columns: tuple[str, ...]) -> SQLCompiler:
    element = cast("Any", statement)
    if not columns:
        return cast("SQLCompiler", element.compile(dialect=dialect))
    known = [name for name in columns if name in element.table.c]
    return cast("SQLCompiler", element.compile(dialect=dialect, column_keys=known))


def is_write(statement: Executable) -> bool:
    """Say whether the statement needs the transaction open: all but plain SELECTs do."""
    return not isinstance(statement, sa.Select) or statement._for_update_arg is not None  # noqa: SLF001 -- no public flag
