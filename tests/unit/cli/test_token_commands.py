from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import Limen

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def machine(limen: Limen, tmp_path: Path) -> str:
    members = tmp_path / "members.json"
    members.write_text(json.dumps({"grant_types": ["client_credentials", EXCHANGE]}))
    made = limen(
        *("client", "create", "m", "--type", "machine", "--scope", "read"),
        *("--metadata", str(members), "--json"),
    )
    assert made.status == 0, made.err
    return str(made.json["client_id"])


def test_a_client_is_told_what_it_may_exchange(installation: Limen, tmp_path: Path) -> None:
    client_id, file = machine(installation, tmp_path), tmp_path / "policy.json"
    file.write_text(json.dumps({"subjects": ["*"], "scopes": ["read"]}))
    command = ("token", "exchange-policy", client_id, "--file", str(file), "--json")
    set_ = installation(*command)
    assert (set_.status, set_.json["subjects"], set_.json["audiences"]) == (0, ["*"], [])
    file.write_text(json.dumps({"subject": ["*"]}))
    assert installation(*command).status == 1
    file.unlink()
    assert installation(*command).status == 1


def test_a_client_is_bound_to_the_apis_it_may_ask_for(installation: Limen, tmp_path: Path) -> None:
    client_id = machine(installation, tmp_path)
    assert installation("resource", "create", "https://api.example", "--json").status == 0
    bound = installation("token", "bind", client_id, "https://API.example/", "--json")
    assert bound.json["resources"] == ["https://api.example"]
    assert installation("token", "bind", client_id, "https://unknown.example").status == 1
    assert installation("token", "bind", client_id, "--json").json["resources"] == []


def test_tokens_are_listed_and_revoked_by_whose_they_are(installation: Limen) -> None:
    none: dict[str, Any] = {"tokens": [], "next_cursor": "", "not_listed": None}
    assert installation("token", "list", "--json").json == none
    assert installation("token", "list").out.strip() == "No tokens."
    assert installation("token", "revoke", "nothing").status == 1
    assert installation("token", "revoke").status == 1
    ended = installation("token", "revoke", "--client", "nobody", "--json")
    assert (ended.status, ended.json) == (0, {"revoked": 0, "issued_before": None})


def test_what_no_list_has_of_a_machine_is_said(installation: Limen, tmp_path: Path) -> None:
    client_id = machine(installation, tmp_path)
    listed = installation("token", "list", "--client", client_id, "--json").json
    assert (listed["tokens"], listed["not_listed"]["client_id"]) == ([], client_id)
    assert listed["not_listed"]["issued_since"] is None
    said = installation("token", "list", "--client", client_id).out
    assert "No tokens that are listed." in said
    assert f"limen token revoke --client {client_id}" in said
    ended = installation("token", "revoke", "--client", client_id, "--json").json
    assert (ended["revoked"], ended["issued_before"] is None) == (0, False)
    again = installation("token", "list", "--client", client_id, "--json").json
    assert again["not_listed"]["issued_since"] == ended["issued_before"]
    assert "have ended." in installation("token", "list", "--client", client_id).out


def test_an_issuer_is_trusted_until_it_is_not(installation: Limen, tmp_path: Path) -> None:
    file = tmp_path / "trust.json"
    file.write_text(json.dumps({"jwks_uri": "https://idp.example/jwks"}))
    made = installation("issuer", "trust", "https://idp.example", "--file", str(file), "--json")
    assert made.status == 0, made.err
    issuer_id = made.json["id"]
    again = installation("issuer", "trust", "https://idp.example", "--file", str(file))
    assert again.status == 1
    assert issuer_id in installation("issuer", "list").out
    assert installation("issuer", "link", issuer_id, "them", "nobody").status == 1
    assert installation("issuer", "end", issuer_id, "--json").json["trusted"] is False
    assert installation("issuer", "end", issuer_id).status == 1
    assert installation("issuer", "list").out.strip() == "No issuers."


def test_everything_ends_after_a_restore(installation: Limen) -> None:
    ended = installation("token", "end-all", "--json")
    assert (ended.status, ended.json) == (0, {"people": ended.json["people"]})
    assert installation("token", "end-all", "--tenant", "nowhere").status == 1
