"""Column types and expressions that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler, TypeCompiler
from sqlalchemy.sql.expression import ColumnElement, FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import UserDefinedType
from typing_extensions import override

from limen.kernel.clock import UTC
from limen.kernel.json_text import json_writer

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_encode: Final = json_writer(ascii_only=False)
_decode: Final = json.JSONDecoder().decode

Id = sa.Text
"""An identifier: a UUIDv7, a tenant's short key or a client's name."""

Ordered: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""A text whose order is that of its characters' numbers, whatever language the database sorts by:
what is asked for by its beginning."""


class Moment(UserDefinedType[dt.datetime]):
    """An aware UTC datetime: ``timestamptz`` on PostgreSQL, microseconds since 1970 on SQLite."""

    cache_ok = True

    @override
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _to_microseconds if dialect.name == "sqlite" else None

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _from_microseconds if dialect.name == "sqlite" else None


def _to_microseconds(value: dt.datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def _from_microseconds(value: int | None) -> dt.datetime | None:
    return None if value is None else _EPOCH + dt.timedelta(microseconds=value)


@compiles(Moment)
def _moment_name(_type: Moment, compiler: TypeCompiler, **_kw: Any) -> str:
    return "TIMESTAMP WITH TIME ZONE" if compiler.dialect.name == "postgresql" else "BIGINT"


class Json(UserDefinedType[Any]):
    """A JSON document: JSONB on PostgreSQL, text on SQLite; lists and dicts in Python."""

    cache_ok = True

    @override
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _dump

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _load


def _dump(value: Any) -> str | None:
    return None if value is None else _encode(value)


def _load(value: Any) -> Any:
    """Read a document; the connections of a host's engine have done so already."""
    return _decode(value) if isinstance(value, str) else value


@compiles(Json)
def _json_name(_type: Json, compiler: TypeCompiler, **_kw: Any) -> str:
    return "JSONB" if compiler.dialect.name == "postgresql" else "TEXT"


class DbNow(FunctionElement[dt.datetime]):
    """The database's own clock, plus an offset in seconds.

    For leases, fences and back-off alone: nobody moves this clock. Business time is ``work.now``.

    Args:
        seconds: A number or a ``bindparam`` of seconds to add.
    """

    type = Moment()
    inherit_cache = True

    def __init__(self, seconds: float | ColumnElement[float] = 0.0) -> None:
        offset = seconds if isinstance(seconds, ColumnElement) else sa.literal(seconds, sa.Float())
        super().__init__(offset)


@compiles(DbNow, "postgresql")
def _now_postgresql(element: DbNow, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    # Stable within the statement: a volatile clock could be no index condition.
    return f"(statement_timestamp() + make_interval(secs => {seconds}))"


@compiles(DbNow, "sqlite")
def _now_sqlite(element: DbNow, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"CAST((julianday('now') - 2440587.5) * 86400000000 + {seconds} * 1000000 AS INTEGER)"


class _DoNothing(OnConflictDoNothing):
    """``ON CONFLICT DO NOTHING``, the same on both; PostgreSQL's own drags its dialect in."""

    inherit_cache = True
    constraint_target = None  # what PostgreSQL's compiler asks for beside it


class _DoUpdate(OnConflictDoUpdate):
    """``ON CONFLICT DO UPDATE``, as above."""

    inherit_cache = True
    constraint_target = None


class Beside(ColumnElement[Any]):
    """A scalar subquery in RETURNING.

    SQLAlchemy writes RETURNING for SQLite without the names of tables, inside a subquery too: a
    column there would be compared with itself where it was to be compared with the outer row's.

    Args:
        query: Its outer table named with ``correlate``.
    """

    inherit_cache = False
    _traverse_internals = [("query", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 -- so the library types it

    def __init__(self, query: sa.ScalarSelect[Any]) -> None:
        self.query = query
        self.type = query.type


@compiles(Beside)
def _beside(element: Beside, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.query, **(kw | {"include_table": True}))


def insert_or_nothing(
    table: sa.Table,
    *,
    conflict: tuple[str, ...] | None,
    returning: tuple[ColumnElement[Any], ...] = (),
) -> sa.Executable:
    """Build an INSERT that does nothing when a row with that key exists.

    How uniqueness is asked for: a caught integrity error would leave a dead transaction on
    PostgreSQL. With ``returning``, no row back means that another was first.

    Args:
        table: Where to insert.
        conflict: The columns of the unique key; ``None`` for any key, as a partial one has to be
            named.
        returning: What to return of a row inserted.
    """
    statement = sa.insert(table).ext(_DoNothing(index_elements=conflict))
    return statement.returning(*returning) if returning else statement


def _is_bound_to(value: object, name: str) -> bool:
    return isinstance(value, sa.BindParameter) and value.key == name


def upsert(
    table: sa.Table,
    *,
    conflict: tuple[str, ...],
    changes: dict[str, Any],
    where: ColumnElement[bool] | None = None,
    returning: tuple[ColumnElement[Any], ...] = (),
) -> sa.Executable:
    """Build an INSERT that changes the row with that key when it exists, in one statement.

    Args:
        table: Where to insert.
        conflict: The columns of the unique key.
        changes: Column name to new value, which may name the table's columns (the old values)
            and bind parameters. A parameter with the column's own name is the value that was
            to be inserted.
        where: Changes only a row that satisfies it; otherwise nothing is returned.
        returning: What to return of the row.
    """
    excluded = table.alias("excluded").c
    wanted = {
        name: excluded[name] if _is_bound_to(value, name) else value
        for name, value in changes.items()
    }
    statement = sa.insert(table).ext(_DoUpdate(index_elements=conflict, set_=wanted, where=where))
    return statement.returning(*returning) if returning else statement


__all__ = ["Beside", "DbNow", "Id", "Json", "Moment", "insert_or_nothing", "upsert"]
