import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Limen

BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/scope/"
API = "http://localhost:8000/api/v1"


def test_a_service_account_with_two_secrets_and_a_key(installation: Limen) -> None:
    made = installation(
        *("service-account", "create", "Builder", "--description", "Builds", "--role", "auditor"),
        *("--scope", "users:read", "--resource", API, "--days", "30", "--json"),
    )
    assert made.status == 0, made.err
    client_id = made.json["client_id"]
    assert made.json["client_secret"].startswith("lmcs_")
    added = installation("service-account", "add-secret", client_id, "--days", "7", "--json")
    assert added.json["client_secret"].startswith("lmcs_")
    removed = installation("service-account", "remove-secret", client_id, added.json["id"])
    assert removed.status == 0
    again = installation("service-account", "remove-secret", client_id, added.json["id"])
    assert again.status == 1

    key = installation(
        *("api-key", "create", "ci", "--service-account", client_id),
        *("--scope", "users:read", "--days", "7", "--json"),
    )
    assert key.status == 0, key.err
    assert key.json["api_key"].startswith("lmk_")
    listed = installation("api-key", "list", "--owner", client_id, "--json")
    assert [each["name"] for each in listed.json["api_keys"]] == ["ci"]
    assert key.json["api_key"] not in json.dumps(listed.json)
    assert installation("api-key", "revoke", key.json["id"]).status == 0
    assert "No API keys." in installation("api-key", "list").out

    accounts = installation("service-account", "list", "--json").json["service_accounts"]
    assert [(each["client_id"], each["name"]) for each in accounts] == [(client_id, "Builder")]
    assert installation("service-account", "delete", client_id).status == 0
    assert installation("service-account", "delete", client_id).status == 1
    assert "No service accounts." in installation("service-account", "list").out


@pytest.mark.parametrize(
    "whose", [(), ("--user", "a", "--service-account", "b"), ("--user", "nobody")]
)
def test_a_key_is_one_owner_s(installation: Limen, whose: tuple[str, ...]) -> None:
    made = installation("api-key", "create", "ci", "--scope", "self", *whose)
    assert made.status != 0


def test_clients_go_out_and_come_in_again(installation: Limen, tmp_path: Path) -> None:
    made = installation("client", "create", "Robot", "--type", "machine", "--json").json
    out = installation("client", "export")
    lines = [json.loads(line) for line in out.out.splitlines()]
    assert [line["client_id"] for line in lines] == [made["client_id"]]
    assert made["client_secret"] not in out.out
    file = tmp_path / "clients.ndjson"
    new = {**lines[0], "client_id": "robot-two"}
    file.write_text(f"{json.dumps(lines[0])}\n\n{json.dumps(new)}\n")
    told = [
        json.loads(line)
        for line in installation("client", "import", str(file), "--json").out.splitlines()
    ]
    assert [(each["line"], each["created"]) for each in told] == [(1, False), (3, True)]
    assert told[0]["client_secret"] is None
    assert told[1]["client_secret"].startswith("lmcs_")
    file.write_text(f"no json\n{json.dumps(new)}\n")
    partly = installation("client", "import", str(file))
    assert partly.status == 1
    assert "line 1" in partly.err
    assert "robot-two" in partly.out


def test_the_open_badges_api_is_an_example(installation: Limen) -> None:
    made = installation(
        *("resource", "create", "https://badges.example/ims/ob/v3p0"),
        *("--example", "open-badges", "--json"),
    )
    assert made.status == 0, made.err
    assert sorted(made.json["scopes"]) == [
        f"{BADGES}{name}"
        for name in (
            "credential.readonly",
            "credential.upsert",
            "profile.readonly",
            "profile.update",
        )
    ]
    unknown = installation("resource", "create", "https://x.example", "--example", "closed-badges")
    assert unknown.status == 1
    assert "open-badges" in unknown.err
