"""Count what a test sends to the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import pytest

from limen.db.postgres import PostgresConnection
from limen.db.sqlite import SqliteConnection

_INNER: Final = re.compile(r"\([^()]*\)")


class StatementsSeen:
    """The statements of every Work since the last ``clear``; BEGIN and COMMIT are not told.

    Attributes:
        seen: Verb and table of each, ``UPDATE grants`` say, in order.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        for engine in (SqliteConnection, PostgresConnection):
            for method in ("run", "run_many"):
                monkeypatch.setattr(engine, method, self._noting(getattr(engine, method)))
        # On SQLite what is added last goes through ``run_many``.
        add_last = self._noting_last(PostgresConnection.add_last)
        monkeypatch.setattr(PostgresConnection, "add_last", add_last)

    def clear(self) -> None:
        self.seen.clear()

    def _noting(self, original: Any) -> Any:
        async def run(connection: Any, sql: str, values: Sequence[Any], **more: Any) -> Any:
            self.seen.append(_named(sql))
            return await original(connection, sql, values, **more)

        return run

    def _noting_last(self, original: Any) -> Any:
        async def add_last(connection: Any, insert: Any, rows: Any) -> Any:
            self.seen.append(_named(str(insert)))
            return await original(connection, insert, rows)

        return add_last


def _named(sql: str) -> str:
    while _INNER.search(sql):
        sql = _INNER.sub("", sql)
    words = sql.split()
    verb = words[0]
    at = {"SELECT": "FROM", "INSERT": "INTO", "DELETE": "FROM", "UPDATE": "UPDATE"}[verb]
    table = words[words.index(at) + 1]
    return f"{verb} {table.removeprefix('limen_')}"
