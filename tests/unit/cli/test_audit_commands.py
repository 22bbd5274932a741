from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Limen


def test_n252_the_log_is_searched_exported_and_proven(installation: Limen, tmp_path: Path) -> None:
    installation("resource", "create", "https://api.example", "--json")
    (event, *_) = installation("audit", "search", "--limit", "1", "--json").json["events"]
    assert (event["actor_kind"], event["number"]) == ("operator", None)
    named = installation("audit", "search", "--name", event["name"], "--until", "2020-01-01")
    assert named.out == "No events.\n"

    file = tmp_path / "audit.ndjson"
    assert installation("audit", "export", "--output", str(file)).status == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert installation("audit", "export", "--output", str(file)).status == 1, "it is there"
    (kid,) = [each["kid"] for each in installation("audit", "keys", "--json").json["keys"]]
    proven = installation("audit", "verify", "--file", str(file), "--kid", kid, "--json")
    assert (proven.status, proven.json["whole"]) == (0, True)
    altered = tmp_path / "altered.ndjson"
    altered.write_text(file.read_text().replace(event["id"], event["id"][:-1] + "x"))
    told = installation("audit", "verify", "--file", str(altered))
    assert told.status == 1
    assert "the event was altered or moved" in told.out
    assert told.out.endswith("NOT WHOLE\n")

    assert installation("audit", "rotate-key", "--json").json["kid"] != kid
    whole = installation("audit", "verify", "--json")
    assert whole.status == 0
    (chain,) = whole.json["chains"]
    assert (chain["tenant"], chain["whole"], chain["unsealed"]) == ("default", True, 1)
    with closing(sqlite3.connect(tmp_path / "data" / "limen.db")) as raw:
        raw.execute("UPDATE limen_audit_events SET outcome = 'denied' WHERE number = 1")
        raw.commit()
    found = installation("audit", "verify", "--tenant", "default", "--json")
    assert found.status == 1
    (first,) = found.json["chains"][0]["first"]
    assert (first["code"], first["segment"], first["number"]) == ("event_altered", 1, 1)


def test_n252_the_worker_seals_and_the_log_stream_is_compared(
    installation: Limen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_AUDIT_KEEP_DAYS", "30")
    told = installation("worker", "--once", "--json")
    lines = [line for line in told.err.splitlines() if "audit sealed" in line]
    assert lines
    assert json.loads(lines[0])["segment"] == 1
    log = tmp_path / "server.log"
    log.write_text(told.err)
    assert installation("audit", "verify", "--log", str(log)).status == 0
    with closing(sqlite3.connect(tmp_path / "data" / "limen.db")) as raw:
        raw.execute("UPDATE limen_audit_seals SET jws = jws || 'x'")
        raw.commit()
    found = installation("audit", "verify", "--log", str(log), "--json")
    codes = [each["code"] for each in found.json["chains"][0]["first"]]
    assert {"seal_altered", "log_differs"} <= set(codes)
