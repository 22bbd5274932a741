"""An older application's six tables: read, understood, and what of them is left out."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.fernet import Fernet

from limen.cli.upstream.older.columns import check_columns, moment_of
from limen.cli.upstream.older.consents import Offered
from limen.cli.upstream.older.lines import Rows
from limen.cli.upstream.older.read import Older, read_older
from limen.cli.upstream.older.unseal import Unsealer
from limen.kernel.clock import UTC
from limen.kernel.errors import InvalidInput, Refusal, Unavailable
from limen.kernel.secret import Secret
from limen.vault.moving.line import ConnectionLine
from tests.databases import Services

pytestmark = pytest.mark.anyio

KEY = Fernet.generate_key()
TABLES = """
CREATE TABLE oauth_integrations (id TEXT, user_id TEXT, provider TEXT, provider_user_id TEXT,
  account_email TEXT, is_active BOOLEAN, created_at TIMESTAMP);
CREATE TABLE oauth_tokens (integration_id TEXT, access_token TEXT, refresh_token TEXT,
  expires_at TIMESTAMP, scope TEXT, is_revoked BOOLEAN, created_at TIMESTAMP);
CREATE TABLE oauth_scopes (integration_id TEXT, scope TEXT, granted BOOLEAN);
CREATE TABLE oauth_consents (integration_id TEXT, feature TEXT, scopes TEXT, granted BOOLEAN,
  revoked_at TIMESTAMP);
CREATE TABLE oauth_state (state TEXT, user_id TEXT);
CREATE TABLE oauth_audit_log (id TEXT, action TEXT);
CREATE TABLE people (id TEXT, email TEXT);
INSERT INTO people VALUES ('7', 'ada@example.com'), ('8', NULL);
INSERT INTO oauth_integrations VALUES
  ('i1', '7', 'Azure', 'oid-1', 'ada@contoso.example', true, '2026-01-02 03:04:05'),
  ('i2', '8', 'notion', NULL, NULL, true, NULL),
  ('i3', '7', 'google', NULL, NULL, false, NULL),
  ('i4', '7', 'google', NULL, NULL, true, NULL);
INSERT INTO oauth_tokens VALUES
  ('i1', 'older-access', 'older-refresh', NULL, NULL, false, '2026-01-01 00:00:00'),
  ('i1', '{access}', '{refresh}', '2026-03-04 05:06:07', 'Mail.Read User.Read', false,
   '2026-02-01 00:00:00'),
  ('i2', 'plain-access', NULL, NULL, NULL, false, NULL),
  ('i3', 'ended-there', NULL, NULL, NULL, false, NULL),
  ('i4', 'revoked-there', NULL, NULL, NULL, true, NULL),
  ('i9', 'of-nobody', NULL, NULL, NULL, false, NULL);
INSERT INTO oauth_scopes VALUES ('i2', 'read_content', true), ('i2', 'insert_content', false);
INSERT INTO oauth_consents VALUES
  ('i1', 'mail_read', NULL, true, NULL),
  ('i1', 'telepathy', NULL, true, NULL),
  ('i1', NULL, 'User.Read', true, NULL),
  ('i1', NULL, 'User.Read Files.Read', true, NULL),
  ('i1', 'files_read', NULL, true, '2026-02-02 00:00:00'),
  ('i9', 'mail_read', NULL, true, NULL);
INSERT INTO oauth_state VALUES ('s', '7');
INSERT INTO oauth_audit_log VALUES ('a', 'x'), ('b', 'y');
"""
OFFERED = {
    "microsoft": Offered(
        scopes_of={
            "mail_read": frozenset({"Mail.Read"}),
            "user_read": frozenset({"User.Read"}),
            "files_read": frozenset({"Files.Read"}),
        },
        normalise=tuple,
    )
}


def script() -> str:
    """The tables, with two tokens encrypted."""
    fernet = Fernet(KEY)
    access, refresh = (fernet.encrypt(each).decode() for each in (b"new-access", b"new-refresh"))
    return TABLES.replace("{access}", access).replace("{refresh}", refresh)


def database(folder: Path, text: str = "") -> Path:
    file = folder / "older.db"
    with closing(sqlite3.connect(file)) as made:
        made.executescript(text or script())
    return file


def rows_of(older: Older, key: bytes | None = KEY, **more: Any) -> Rows:
    raw = None if key is None else Secret(key.decode())
    renamed = {"azure": "microsoft"}
    return Rows(older=older, unsealer=Unsealer(raw), offered=OFFERED, renamed=renamed, **more)


def understood(rows: Rows) -> dict[str, ConnectionLine]:
    found = dict(rows.lines())
    assert not [each for each in found.values() if isinstance(each, Refusal)]
    return {name: line for name, line in found.items() if isinstance(line, ConnectionLine)}


async def read_by_either(services: Services, folder: Path, kind: str) -> Older:
    if kind == "sqlite":
        return await read_older(f"sqlite:///{database(folder)}", people="people")
    async with services.postgres_database(empty=True) as url:
        admin = await asyncpg.connect(url)
        await admin.execute(script())
        await admin.close()
        return await read_older(url, people="people")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_tables_are_understood(services: Services, tmp_path: Path, kind: str) -> None:
    rows = rows_of(await read_by_either(services, tmp_path, kind))
    found = understood(rows)
    assert sorted(found) == ["i1", "i2"]
    line = found["i1"]
    assert (line.provider, line.user, line.subject) == ("microsoft", "ada@example.com", "oid-1")
    assert line.raw_access == Secret("new-access")
    assert line.raw_refresh == Secret("new-refresh")
    assert line.expires_at == dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert line.connected_at == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert line.scopes == ("Mail.Read", "User.Read")
    assert line.features == ("mail_read", "user_read")
    assert (found["i2"].user, found["i2"].scopes) == ("8", ("read_content",))
    left = {(each.table, each.row, each.rows, each.reason) for each in rows.left}
    assert left == {
        ("oauth_integrations", "i3", 1, "it had ended there"),
        ("oauth_integrations", "i4", 1, "there is no live token of it"),
        ("oauth_tokens", "i1", 1, "there is a newer one"),
        ("oauth_tokens", "i4", 1, "it was revoked there"),
        ("oauth_tokens", "i9", 1, "its integration is not there"),
        ("oauth_consents", "i1", 1, "the provider has no such feature here"),
        ("oauth_consents", "i1", 1, "its scopes are not exactly those of one feature"),
        ("oauth_consents", "i1", 1, "it was withdrawn or refused"),
        ("oauth_consents", "i9", 1, "its integration is not taken over"),
        ("oauth_state", "", 1, "journeys under way end where they were begun"),
        ("oauth_audit_log", "", 2, "our log is sealed against additions; keep theirs beside it"),
    }
    assert "new-access" not in json.dumps([each.to_json() for each in rows.left])
    (anonymous, _) = understood(rows_of(rows.older, any_account=True)).values()
    assert anonymous.subject == ""


@pytest.mark.parametrize("key", [None, Fernet.generate_key()], ids=["none", "another"])
async def test_a_token_that_does_not_open_is_that_lines_trouble_alone(
    tmp_path: Path, key: bytes | None
) -> None:
    found = dict(rows_of(await read_older(str(database(tmp_path))), key).lines())
    assert isinstance(found["i2"], ConnectionLine)
    refused = found["i1"]
    assert isinstance(refused, InvalidInput)
    assert refused.code == "token_unreadable"


@pytest.mark.parametrize(
    "value",
    ["soon", 10**30, float("nan"), "0001-01-01T00:00:00+14:00"],
    ids=["word", "number", "nan", "before"],
)
def test_what_no_calendar_has_is_no_moment(value: object) -> None:
    assert moment_of("oauth_tokens", {"expires_at": value}, "expires_at") is None


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(InvalidInput, match="older_key") as caught:
        Unsealer(Secret("canary"))
    assert "canary" not in caught.value.public


async def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    text = (
        "CREATE TABLE oauth_integrations (id TEXT); INSERT INTO oauth_integrations VALUES ('i');"
        "CREATE TABLE oauth_consents (feature TEXT); INSERT INTO oauth_consents VALUES ('f');"
    )
    with pytest.raises(InvalidInput) as caught:
        check_columns(await read_older(str(database(tmp_path, text))))
    told = caught.value.public
    assert "the table oauth_tokens" in told
    assert "oauth_integrations.user_id or owner_id" in told
    assert "oauth_integrations.provider" in told
    assert "oauth_consents.integration_id" in told


@pytest.mark.parametrize(
    ("source", "people", "code"),
    [
        ("mysql://db/x", "", "older_source"),
        ("postgresql://user:canary@127.0.0.1/x", "", "older_source"),
        ("nothing.db", "", "older_unreadable"),
        ("older.db", "people; DROP TABLE people", "older_source"),
        ("older.db", "nobody", "older_source"),
    ],
    ids=["kind", "password", "file", "injection", "table"],
)
async def test_what_can_not_be_read_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, people: str, code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    database(tmp_path)
    with pytest.raises((InvalidInput, Unavailable)) as caught:
        await read_older(source, people=people)
    assert caught.value.code == code
    assert "canary" not in caught.value.public
