import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Limen

CALLBACK = "https://app.example.com/callback"


def test_a_client_has_all_members_it_was_given(installation: Limen, tmp_path: Path) -> None:
    members = tmp_path / "client.json"
    members.write_text(json.dumps({"software_id": "s-1", "subject_type": "pairwise"}))
    made = installation(
        *("client", "create", "Bank", "--profile", "fapi2", "--redirect-uri", CALLBACK),
        *("--jwks-uri", "https://93.184.216.34/jwks", "--allowed-origin", "https://spa.example"),
        *("--metadata", str(members), "--json"),
    )
    assert made.status == 0, made
    assert made.json["client_secret"] is None


def test_a_client_is_shown_and_changed(installation: Limen, tmp_path: Path) -> None:
    made = installation("client", "create", "App", "--redirect-uri", CALLBACK, "--json").json
    members = tmp_path / "client.json"
    members.write_text('{"client_name": "Better", "tos_uri": "https://app.example.com/terms"}')
    update = ("client", "update", made["client_id"], "--json")
    changed = installation(*update, "--metadata", str(members))
    assert changed.status == 0, changed.err
    assert (changed.json["name"], changed.json["client_secret"]) == ("Better", None)
    members.write_text('{"tos_uri": null}')
    assert installation(*update, "--metadata", str(members)).status == 0
    shown = installation("client", "show", made["client_id"], "--json").json
    assert shown["name"] == "Better"
    assert shown["redirect_uris"] == [CALLBACK]
    assert "tos_uri" not in shown["metadata"]
    assert made["client_secret"] not in json.dumps(shown)
    members.write_text('{"redirect_uris": ["http://app.example.com/callback"]}')
    refused = installation(*update, "--metadata", str(members))
    assert (refused.status, "redirect" in refused.err) == (1, True)
    for command in ("show", "update"):
        assert installation("client", command, "nobody").status == 1


def test_a_client_may_sign_with_its_secret(installation: Limen) -> None:
    made = installation(
        *("client", "create", "App", "--auth-method", "client_secret_jwt"),
        *("--redirect-uri", CALLBACK, "--json"),
    )
    assert made.json["client_secret"].startswith("lmcs_")
    rotated = installation("client", "rotate-secret", made.json["client_id"], "--json")
    assert rotated.json["client_secret"] != made.json["client_secret"]


def test_certificates_that_nobody_hands_on_are_no_way_to_authenticate(
    installation: Limen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = tmp_path / "client.json"
    members.write_text('{"tls_client_auth_san_dns": "app.example"}')
    create = ("client", "create", "App", "--redirect-uri", CALLBACK, "--metadata", str(members))
    by_certificate = (*create, "--auth-method", "tls_client_auth")
    refused = installation(*by_certificate)
    assert (refused.status, "LIMEN_MTLS_CERTIFICATE_FORMAT" in refused.err) == (1, True)
    monkeypatch.setenv("LIMEN_TRUSTED_PROXIES", "127.0.0.0/8")
    monkeypatch.setenv("LIMEN_MTLS_CERTIFICATE_FORMAT", "rfc9440")
    refused = installation(*by_certificate)
    assert (refused.status, "LIMEN_MTLS_CA_BUNDLE" in refused.err) == (1, True)
    members.write_text('{"tls_client_certificate_bound_access_tokens": true}')
    assert installation(*create).status == 0
    monkeypatch.delenv("LIMEN_MTLS_CERTIFICATE_FORMAT")
    assert installation(*create).status == 1


def test_n213_an_address_inside_is_refused(installation: Limen) -> None:
    made = installation(
        *("client", "create", "App", "--redirect-uri", CALLBACK),
        *("--jwks-uri", "https://10.0.0.1/jwks", "--json"),
    )
    assert made.status == 1


def test_a_file_that_is_no_object_is_refused(installation: Limen, tmp_path: Path) -> None:
    file = tmp_path / "client.json"
    for text in ("[]", "{", ""):
        file.write_text(text)
        made = installation("client", "create", "App", "--metadata", str(file), "--json")
        assert made.status != 0


def test_initial_tokens_are_made_listed_and_revoked(installation: Limen) -> None:
    made = installation(
        *("client", "initial-token", "create", "--uses", "3", "--name", "Suite", "--json")
    ).json
    assert made["token"].startswith("lmia_")
    listed = installation("client", "initial-token", "list", "--json")
    (shown,) = listed.json["tokens"]
    assert (shown["name"], shown["uses_left"]) == ("Suite", 3)
    assert made["token"] not in json.dumps(listed.json)
    assert installation("client", "initial-token", "revoke", made["id"], "--json").status == 0
    assert installation("client", "initial-token", "list", "--json").json["tokens"] == []
    assert installation("client", "initial-token", "revoke", made["id"], "--json").status == 1


def test_inspect_says_why_a_request_is_refused(installation: Limen) -> None:
    made = installation(
        *("client", "create", "App", "--redirect-uri", CALLBACK, "--scope", "openid", "--json")
    ).json
    url = f"https://id.example/oauth2/authorize?response_type=code&redirect_uri={CALLBACK}"
    told = installation("client", "inspect", made["client_id"], "--request", url, "--json")
    assert told.status == 1
    refused = [one for one in told.json["checks"] if one["outcome"] == "refused"]
    assert ("pkce satisfied", "invalid_request") in [(one["check"], one["code"]) for one in refused]
    form = f"grant_type=client_credentials&client_secret={made['client_secret']}"
    told = installation("client", "inspect", made["client_id"], "--token-request", form, "--json")
    outcomes = {one["check"]: one["outcome"] for one in told.json["checks"]}
    assert outcomes["client authentication"] == "passes"
    assert outcomes["grant registered"] == "refused"
    both = installation("client", "inspect", made["client_id"], "--json")
    assert both.status == 2
