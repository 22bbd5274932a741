"""Views under the names of older applications' tables: what they show, and what they never do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from limen.db.migrate import migrate
from limen.db.migrations.older_views import VIEWS, statement_of
from tests.databases import Services

NAMES = {
    "oauth_integrations",
    "oauth_tokens",
    "oauth_scopes",
    "oauth_consents",
    "oauth_state",
    "oauth_audit_log",
}
pytestmark = pytest.mark.anyio


def test_the_six_names_are_the_older_ones() -> None:
    assert {view.name for view in VIEWS} == NAMES


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_view_reads_what_is_sealed_or_hashed(dialect: str) -> None:
    for view in VIEWS:
        said = statement_of(view, dialect=dialect).replace("g.sealed_refresh IS NOT NULL", "")
        for secret in ("sealed", "hash", "nonce", "verifier", "journal"):
            assert secret not in said, (view.name, secret)


async def test_sqlite_reads_them_and_leaves_a_taken_name_alone(tmp_path: Path) -> None:
    file = tmp_path / "older.db"
    with closing(sqlite3.connect(file)) as older:
        older.execute("CREATE TABLE oauth_tokens (mine TEXT)")
        older.execute("INSERT INTO oauth_tokens VALUES ('kept')")
        older.commit()
    await migrate(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT mine FROM oauth_tokens").fetchall() == [("kept",)]
        for name in NAMES - {"oauth_tokens"}:
            assert database.execute(f"SELECT * FROM {name}").fetchall() == []
            with pytest.raises(sqlite3.OperationalError, match="view"):
                database.execute(f"DELETE FROM {name}")


async def test_postgresql_reads_them_and_lets_nobody_write(services: Services) -> None:
    async with services.postgres_database(empty=True) as url:
        await migrate(url)
        connection = await asyncpg.connect(url)
        try:
            for name in NAMES:
                assert await connection.fetch(f"SELECT * FROM {name}") == []
                with pytest.raises(asyncpg.PostgresError, match="view"):
                    await connection.execute(f"DELETE FROM {name}")
        finally:
            await connection.close()
