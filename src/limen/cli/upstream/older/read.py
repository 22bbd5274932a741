"""Read six tables of another application's database; nothing is changed there."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from limen.kernel.errors import InvalidInput, Unavailable

TABLES: Final = (
    "oauth_integrations",
    "oauth_tokens",
    "oauth_scopes",
    "oauth_consents",
    "oauth_state",
    "oauth_audit_log",
)
_COUNTED: Final = frozenset({"oauth_state", "oauth_audit_log"})
"""Tables of which nothing is taken over: they are counted, so that nobody wonders."""
_SECONDS: Final = 15.0

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """What stands in the tables.

    Args:
        rows: By table; a table that is not there is not here.
        counts: Of the tables that are only counted.
        addresses: People's e-mail addresses by their ids there, if a table of people was named.
    """

    rows: Mapping[str, Sequence[Row]]
    counts: Mapping[str, int]
    addresses: Mapping[str, str]


async def read_older(source: str, *, people: str = "") -> Older:
    """Read the tables there are.

    Args:
        source: ``postgresql://…``, ``sqlite:///FILE``, or the path of a SQLite file. A password
            in it would be seen by every process of the machine: PGPASSWORD and ``.pgpass`` are
            for that.
        people: A table with an ``id`` and an ``email`` of the application's people.

    Raises:
        InvalidInput: ``older_source``: it is none of these, or holds a password.
        Unavailable: ``older_unreadable``: it does not open.
    """
    if people and not (people.isascii() and people.isidentifier()):
        raise InvalidInput("older_source", "That is no name of a table.", field="users-table")
    scheme, marked, rest = source.partition("://")
    if not marked:
        return _read_sqlite(Path(source), people)
    if scheme == "sqlite" and rest.startswith("/"):
        return _read_sqlite(Path(rest[1:]), people)
    if scheme.partition("+")[0] in {"postgresql", "postgres"}:
        return await _read_postgresql(f"postgresql://{rest}", people)
    text = "Name a SQLite file, sqlite:///FILE or postgresql://USER@HOST/NAME."
    raise InvalidInput("older_source", text, field="from-tables")


def _read_sqlite(file: Path, people: str) -> Older:
    if not file.is_file():
        raise Unavailable("older_unreadable", f"There is no file {file}.")
    address = f"file:{quote(str(file.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            database.execute("BEGIN")  # all tables as of one moment
            found = database.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            )
            there = {str(row[0]) for row in found}

            def rows(statement: str) -> list[Row]:
                return [dict(row) for row in database.execute(statement)]

            return _collected({name: rows(sql) for name, sql in _statements(there, people)})
    except sqlite3.Error as error:
        raise Unavailable("older_unreadable", f"{file}: {error}.") from None


async def _read_postgresql(url: str, people: str) -> Older:
    import asyncpg  # noqa: PLC0415 -- loaded when it is asked for

    if urlsplit(url).password is not None:
        text = "Give the password in PGPASSWORD or ~/.pgpass: the command line is seen by others."
        raise InvalidInput("older_source", text, field="from-tables")
    try:
        database = await asyncpg.connect(url, timeout=_SECONDS, command_timeout=None)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        told = type(error).__name__
        raise Unavailable("older_unreadable", f"The database does not open: {told}.") from None
    try:
        async with database.transaction(isolation="repeatable_read", readonly=True):
            listed = await database.fetch(
                "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm')"
                " AND pg_table_is_visible(c.oid)"
            )
            there = {str(row[0]) for row in listed}
            found = {}
            for name, statement in _statements(there, people):
                found[name] = [dict(row) for row in await database.fetch(statement)]
            return _collected(found)
    except asyncpg.PostgresError as error:
        told = type(error).__name__
        raise Unavailable("older_unreadable", f"The tables can't be read: {told}.") from None
    finally:
        await database.close()


def _statements(there: set[str], people: str) -> list[tuple[str, str]]:
    """Return what is asked, by table; all names are ours but that of the table of people."""
    asked: list[tuple[str, str]] = []
    for table in TABLES:
        if table in there:
            what = "count(*) AS rows" if table in _COUNTED else "*"
            asked.append((table, f"SELECT {what} FROM {table}"))  # noqa: S608 -- a literal of ours
    if people:
        if people not in there:
            raise InvalidInput("older_source", f"There is no table {people}.", field="users-table")
        asked.append((_PEOPLE, f'SELECT id, email FROM "{people}"'))  # noqa: S608 -- an identifier
    return asked


_PEOPLE: Final = "(people)"


def _collected(found: Mapping[str, Sequence[Row]]) -> Older:
    return Older(
        rows={name: rows for name, rows in found.items() if name not in {*_COUNTED, _PEOPLE}},
        counts={name: int(rows[0]["rows"]) for name, rows in found.items() if name in _COUNTED},
        addresses={
            str(row["id"]): str(row["email"]) for row in found.get(_PEOPLE, ()) if row["email"]
        },
    )
