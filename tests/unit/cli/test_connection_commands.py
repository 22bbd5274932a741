"""``limen connection``: brought here from another application, listed, taken along, ended."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet

from limen.federation.call import ClientAtProvider
from limen.federation.clients.credentials import SharedSecret
from limen.federation.registry import Catalogue, Providers
from limen.kernel.clock import SystemClock
from limen.kernel.secret import Secret
from limen.net import Net
from limen.settings import Settings
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from tests.elsewhere import Older
from tests.simulated import Simulated, serving
from tests.unit.cli.conftest import Limen, Told

_PLACE = "/dev/providers"


@pytest.fixture
def base_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The simulated providers, where an installation in development looks for them."""
    with serving(SystemClock(), path=_PLACE) as found:
        monkeypatch.setenv("LIMEN_ENVIRONMENT", "development")
        monkeypatch.setenv("LIMEN_BASE_URL", found.removesuffix(_PLACE))
        yield found


def obtained(base_url: str, *wanted: str) -> list[dict[str, Any]]:
    """What an older application holds at these providers."""
    clock = SystemClock()

    async def obtain() -> list[dict[str, Any]]:
        net = Net(Settings(environment="development").net)
        secret = SharedSecret(raw=Secret(CLIENT_SECRET))
        client = ClientAtProvider(client_id=CLIENT_ID, credentials=(secret,), read_at=clock.now())
        async with httpx2.AsyncClient() as http:
            found = [
                await Older(
                    approve=Simulated(base_url, http).approve,
                    net=net,
                    provider=Catalogue(Providers(simulators=base_url)).get(provider, {}),
                    client=client,
                    now=clock.now(),
                ).connect()
                for provider in wanted
            ]
        await net.close()
        return found

    return asyncio.run(obtain())


def results(told: Told) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.out.splitlines()]


def ada(limen: Limen) -> str:
    created = limen(
        *("user", "create", "ada@example.com", "--verified", "--password-stdin", "--json"),
        stdin="violet tractor hums at dawn\n",
    )
    return str(created.json["user_id"])


def test_n241_connections_come_with_proof_and_no_token_is_shown(
    base_url: str, installation: Limen, tmp_path: Path
) -> None:
    user_id = ada(installation)
    google, notion = obtained(base_url, "google", "notion")
    file = tmp_path / "older.ndjson"
    lines = [
        {**google, "user": "ada@example.com", "label": "Work"},
        {**notion, "user": user_id},
        {**google, "user": "ada@example.com"},
        {**google, "user": "grace@example.com"},
    ]
    file.write_text("\n".join([*map(json.dumps, lines), "", "{nonsense", "x" * 70_000]) + "\n")
    dry = installation("connection", "import", str(file), "--dry-run", "--json")
    assert [(each["at"], each["verdict"]) for each in results(dry)] == [
        ("line 1", "would_import"),
        ("line 2", "unproven"),
    ]
    codes = [json.loads(each)["error"] for each in dry.err.splitlines() if each.startswith("{")]
    refused = ["line_repeated", "user_not_found", "invalid_input", "line_too_long"]
    assert (dry.status, codes) == (1, refused)
    assert installation("connection", "list", "--json").json["connections"] == []
    done = installation("connection", "import", str(file), "--json")
    assert [each["verdict"] for each in results(done)] == ["imported", "imported"]
    file.write_text("\n".join(map(json.dumps, lines[:2])))
    again = installation("connection", "import", str(file))
    assert (again.status, again.out.count("present")) == (0, 2)
    bare = installation("connection", "export")
    assert [each["state"] for each in results(bare)] == ["active", "active"]
    said = "".join(f"{told.out}{told.err}" for told in (dry, done, again, bare))
    tokens = [line[name] for line in (google, notion) for name in ("access_token", "refresh_token")]
    assert not any(token in said for token in tokens)


def test_connections_are_listed_taken_along_and_ended(
    base_url: str, installation: Limen, tmp_path: Path
) -> None:
    user_id = ada(installation)
    (google,) = obtained(base_url, "google")
    file, out = tmp_path / "older.ndjson", tmp_path / "out.ndjson"
    file.write_text(json.dumps({**google, "user": user_id, "label": "Work"}))
    assert installation("connection", "import", str(file)).status == 0
    listed = installation("connection", "list", "--user", user_id, "--json").json["connections"]
    (connection_id,) = [each["id"] for each in listed]
    shown = installation("connection", "show", connection_id, "--json").json
    assert (shown["nickname"], shown["owner"], shown["state"]) == ("Work", user_id, "active")
    export = ("connection", "export", "--with-secrets", "--output", str(out))
    assert installation(*export).status == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert google["refresh_token"] in out.read_text()
    assert installation(*export).status == 1
    again = installation("connection", "import", str(out))
    assert (again.status, again.out.count("present")) == (0, 1)
    ended = installation("connection", "disconnect", connection_id, "--json").json
    assert (ended["disconnected"], ended["ends_at_provider"]) == (connection_id, True)
    assert installation("connection", "list", "--json").json["connections"] == []


def test_an_older_applications_tables_are_read_and_their_accounts_proven(
    base_url: str, installation: Limen, tmp_path: Path
) -> None:
    ada(installation)
    (google,) = obtained(base_url, "google")
    key = Fernet.generate_key()
    sealed = {
        name: Fernet(key).encrypt(google[name].encode()).decode()
        for name in ("access_token", "refresh_token")
    }
    older, key_file = tmp_path / "older.db", tmp_path / "older.key"
    key_file.write_bytes(key + b"\n")
    with closing(sqlite3.connect(older)) as made:
        made.executescript(
            "CREATE TABLE oauth_integrations (id, user_id, provider);"
            "CREATE TABLE oauth_tokens (integration_id, access_token, refresh_token, scopes);"
            "CREATE TABLE oauth_consents (integration_id, feature, granted);"
            "CREATE TABLE oauth_state (state);"
            "CREATE TABLE users (id, email);"
            "INSERT INTO users VALUES (7, 'ada@example.com');"
            "INSERT INTO oauth_integrations VALUES (1, 7, 'gsuite'),"
            " (char(27) || '[2J', 7, 'unheard-of');"
            "INSERT INTO oauth_consents VALUES (1, 'calendar_read', 1), (1, 'telepathy', 1);"
            "INSERT INTO oauth_state VALUES ('away');"
        )
        tokens = (sealed["access_token"], sealed["refresh_token"], json.dumps(google["scopes"]))
        made.executemany(
            "INSERT INTO oauth_tokens VALUES (?, ?, ?, ?)", [("1", *tokens), ("\x1b[2J", *tokens)]
        )
        made.commit()
    told = installation(
        *("connection", "import", "--from-tables", f"sqlite:///{older}", "--json"),
        *("--users-table", "users", "--older-key-file", str(key_file)),
        *("--provider", "gsuite=google"),
    )
    done, *left = results(told)
    assert (done["at"], done["verdict"], done["features_missing"]) == (
        "integration 1",
        "imported",
        [],
    )
    assert [(each["table"], each["rows"]) for each in left] == [
        ("oauth_consents", 1),
        ("oauth_state", 1),
    ]
    assert "provider_unknown" in told.err
    assert "integration [2J" in told.err  # whatever else is in it does not drive the terminal
    assert told.status == 1
    shown = installation("connection", "show", done["connection_id"], "--json").json
    assert shown["features"] == {"calendar_read": "active"}
    assert google["access_token"] not in f"{told.out}{told.err}"


def test_secrets_are_not_shown_on_a_terminal(
    installation: Limen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    told = installation("connection", "export", "--with-secrets")
    assert (told.status, "terminal" in told.err, told.out) == (2, True, "")


def test_one_source_at_a_time(installation: Limen) -> None:
    assert installation("connection", "import").status == 2
    both = installation("connection", "import", "-", "--from-tables", "older.db")
    assert both.status == 2
