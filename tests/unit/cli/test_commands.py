import base64
import json
import sqlite3
from pathlib import Path

import pytest

from limen.federation.catalogue.load import load_entries
from tests.unit.cli.conftest import Limen

PASSWORD = "violet tractor hums at dawn\n"
CALLBACK = "https://app.example.com/callback"


def rows(tmp_path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(tmp_path / "data" / "limen.db") as connection:
        return connection.execute(query).fetchall()


def test_migrate_makes_the_installation_and_may_be_repeated(limen: Limen, tmp_path: Path) -> None:
    first = limen("migrate", "--json")
    assert (first.status, set(first.json)) == (0, {"revision"})
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600
    key = (tmp_path / "data" / "master.key").read_bytes()
    assert limen("migrate", "--json").json == first.json
    assert (tmp_path / "data" / "master.key").read_bytes() == key
    assert rows(tmp_path, "select slug from limen_tenants") == [("default",)]


def test_migrate_changes_nothing_that_another_key_sealed(
    installation: Limen, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "data" / "limen.db") as connection:
        connection.execute("update limen_schema_version set version_num = '0001'")
    key = tmp_path / "data" / "master.key"
    key.write_bytes(base64.urlsafe_b64encode(bytes(range(32))) + b"\n")
    refused = installation("migrate")
    assert refused.status == 1
    assert "sealing key is not the one this database was sealed with" in refused.err
    assert rows(tmp_path, "select version_num from limen_schema_version") == [("0001",)]


def test_migrate_shows_the_administrator_of_development_once(
    limen: Limen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_ENVIRONMENT", "development")
    assert limen("migrate", "--json").json["password"]
    assert "password" not in limen("migrate", "--json").json


def test_a_client_is_registered_with_its_secret_and_an_audit_row(
    installation: Limen, tmp_path: Path
) -> None:
    made = installation(
        *("client", "create", "Web app", "--type", "web", "--redirect-uri", CALLBACK),
        *("--redirect-uri", f"{CALLBACK}/2", "--scope", "openid email", "--json"),
    )
    assert made.status == 0
    assert set(made.json) == {"client_id", "client_secret"}
    assert made.json["client_secret"].startswith("lmcs_")
    listed = installation("client", "list", "--json").json["clients"]
    assert [each["name"] for each in listed if each["type"] == "web"] == ["Web app"]
    assert "lmcs_" not in json.dumps(listed)
    told = rows(
        tmp_path, "select name, actor_kind from limen_audit_events where name like '%client%'"
    )
    assert any(kind == "operator" for _, kind in told)


def test_a_public_client_has_no_secret(installation: Limen) -> None:
    made = installation(
        "client", "create", "x", "--type", "spa", "--redirect-uri", CALLBACK, "--json"
    )
    assert made.json["client_secret"] is None


def test_what_is_wrong_is_said_once(installation: Limen) -> None:
    anywhere = ("--type", "web", "--redirect-uri", "https://*.app.example/cb")
    refused = installation("client", "create", "x", *anywhere)
    assert refused.status == 1
    assert refused.err.count("redirect_uris:") == 1


def test_a_machine_needs_no_redirect_uri(installation: Limen) -> None:
    made = installation("client", "create", "m", "--type", "machine", "--scope", "a b", "--json")
    assert (made.status, bool(made.json["client_secret"])) == (0, True)


def test_a_client_is_disabled_and_its_secret_rotated(installation: Limen) -> None:
    made = installation("client", "create", "m", "--type", "machine", "--scope", "a", "--json").json
    rotated = installation("client", "rotate-secret", made["client_id"], "--json").json
    assert rotated["client_secret"] != made["client_secret"]
    assert installation("client", "disable", made["client_id"]).status == 0
    assert "(off)" in installation("client", "list").out
    assert installation("client", "enable", made["client_id"]).status == 0
    assert "(off)" not in installation("client", "list").out
    assert installation("client", "delete", made["client_id"]).status == 0
    assert made["client_id"] not in installation("client", "list").out
    for name in ("disable", "enable", "delete"):
        refused = installation("client", name, made["client_id"])
        assert (refused.status, refused.err) == (1, "Error: There is no such client.\n")


def test_a_user_is_created_with_role_and_claims(installation: Limen, tmp_path: Path) -> None:
    claims = tmp_path / "claims.json"
    claims.write_text('{"name": "Ada Lovelace", "zoneinfo": "Europe/London"}')
    made = installation(
        *("user", "create", "Ada@Example.com", "--password-stdin", "--verified"),
        *("--role", "admin", "--claims", str(claims), "--json"),
        stdin=PASSWORD,
    )
    assert made.status == 0, made.err
    assert (made.json["role"], made.json["email"].lower()) == ("admin", "ada@example.com")
    assert rows(tmp_path, "select role from limen_role_grants") == [("admin",)]
    assert "Ada Lovelace" in str(rows(tmp_path, "select claims from limen_users"))
    user_id = made.json["user_id"]
    for who in (user_id, "ada@EXAMPLE.com"):
        shown = installation("user", "show", who, "--json").json
        assert (shown["user_id"], shown["state"]) == (user_id, "active")
        assert shown["roles"] == ["admin", "member"]
    nobody = installation("user", "show", "eve@example.com", "--json")
    assert nobody.status == 1
    assert "user_not_found" in nobody.err
    assert installation("user", "disable", user_id, "--json").json["active"] is False
    assert installation("user", "enable", user_id, "--json").json["active"] is True
    assert installation("user", "close", user_id, "--json").json["closed"] is True
    assert rows(tmp_path, "select email, claims from limen_users") == [(None, "{}")]


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "word"),
    [
        (["not-an-address"], PASSWORD, 1, "email"),
        (["ada@example.com"], "short\n", 1, "15 characters"),
        (["ada@example.com"], "", 2, "empty"),
        (["ada@example.com", "--claims", "/no/such/file"], PASSWORD, 1, "No such file"),
        (["ada@example.com", "--claims", "/proc/version"], PASSWORD, 1, "no JSON object"),
        (["ada@example.com", "--role", "emperor"], PASSWORD, 2, "'emperor' is not one of"),
        (["ada@example.com", "--tenant", "nowhere"], PASSWORD, 1, "no tenant 'nowhere'"),
    ],
)
def test_a_user_that_can_not_be_is_refused_in_one_line(
    installation: Limen, arguments: list[str], stdin: str, status: int, word: str
) -> None:
    told = installation("user", "create", *arguments, "--password-stdin", stdin=stdin)
    assert (told.status, told.out) == (status, "")
    assert told.err.count("\n") == 1
    assert word in told.err


def test_a_password_is_never_taken_from_the_arguments(installation: Limen) -> None:
    told = installation("user", "create", "ada@example.com", stdin=PASSWORD)
    assert told.status == 2
    assert "standard input" in told.err


def test_an_address_is_taken_once(installation: Limen) -> None:
    create = ("user", "create", "ada@example.com", "--password-stdin")
    assert installation(*create, stdin=PASSWORD).status == 0
    told = installation(*create, "--json", stdin=PASSWORD)
    assert told.status == 1
    assert json.loads(told.err)["error"] == "email_taken"


def test_somebody_is_invited_listed_and_not_invited_any_more(installation: Limen) -> None:
    made = installation("user", "invite", "eve@example.com", "--role", "auditor", "--json")
    assert (made.status, made.json["role"]) == (0, "auditor")
    again = installation("user", "invite", "eve@example.com")
    assert (again.status, "invited already" in again.err) == (1, True)
    assert "eve@example.com  auditor  pending" in installation("user", "invitations").out
    revoked = installation("user", "revoke-invitation", made.json["invitation_id"])
    assert revoked.status == 0
    listed = installation("user", "invitations", "--json").json["invitations"]
    assert [each["state"] for each in listed] == ["revoked"]


def test_a_tenant_is_created_with_everything_it_needs(installation: Limen, tmp_path: Path) -> None:
    made = installation("tenant", "create", "acme", "--json")
    assert made.json["issuer"] == "http://localhost:8000/t/acme"
    clients = installation("client", "list", "--tenant", "acme", "--json").json["clients"]
    assert [each["client_id"] for each in clients] == ["limen-first-party"]
    again = installation("tenant", "create", "acme")
    assert (again.status, again.err.count("\n")) == (1, 1)
    assert "acme" in installation("tenant", "list").out
    assert installation("tenant", "create", "../etc").status == 1


@pytest.mark.parametrize("slug", ["acme", "default"])
def test_a_tenants_policy_that_goes_with_no_setting_any_more_is_mended_by_command(
    installation: Limen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    changes = tmp_path / "changes.json"
    installation("tenant", "create", "acme")
    changes.write_text('{"session_idle_seconds": 172800, "pages": false}')
    shown = installation("tenant", "policy", slug, "--file", str(changes), "--json").json
    assert (shown["chosen"]["session_idle_seconds"], shown["refusal"]) == (172_800, "")
    monkeypatch.setenv("LIMEN_SESSIONS_ABSOLUTE_TTL", "1d")
    monkeypatch.setenv("LIMEN_SESSIONS_IDLE_TTL", "1d")
    told = installation("tenant", "list")
    assert f"limen tenant policy {slug} --file" in told.err
    if slug == "acme":
        assert "acme" in told.out
        assert "(off)" in told.out
    shown = installation("tenant", "policy", slug, "--json").json
    assert shown["state"] == "suspended"
    assert "session_idle_seconds exceeds session_absolute_seconds" in shown["refusal"]
    changes.write_text('{"session_idle_seconds": null}')
    shown = installation("tenant", "policy", slug, "--file", str(changes), "--json").json
    assert (shown["state"], shown["chosen"], shown["refusal"]) == ("active", {"pages": False}, "")
    assert "(off)" not in installation("tenant", "list").out
    changes.write_text("{}")
    shown = installation("tenant", "policy", slug, "--file", str(changes), "--replace", "--json")
    assert shown.json["chosen"] == {}
    assert installation("tenant", "policy", slug, "--replace").status == 1
    assert installation("tenant", "policy", "nobody").status == 1
    asked = "select actor_kind from limen_audit_events where name = 'tenant:policy:changed'"
    assert rows(tmp_path, asked) == [("operator",)] * 3


def test_a_tenant_is_shown_disabled_and_enabled(installation: Limen, tmp_path: Path) -> None:
    made = installation("tenant", "create", "acme", "--name", "Acme Ltd", "--json").json
    assert (made["state"], made["host"]) == ("active", None)
    shown = installation("tenant", "show", "acme", "--json").json
    assert {**shown, **made} == shown
    assert shown["policy"]["sign_up"] == "open"
    assert 'sign_up = "open"' in installation("tenant", "show", "acme").out
    assert installation("tenant", "disable", "acme", "--json").json == {
        **made,
        "state": "suspended",
    }
    assert installation("tenant", "show", "acme", "--json").json["state"] == "suspended"
    assert "(off)" in installation("tenant", "list").out
    assert installation("client", "list", "--tenant", "acme").status == 0, "operators still may"
    assert installation("tenant", "enable", "acme", "--json").json == made
    assert "(off)" not in installation("tenant", "list").out
    told = "select name, actor_kind from limen_audit_events where name like 'tenant:tenant:%'"
    assert ("tenant:tenant:suspended", "operator") in rows(tmp_path, told)
    assert ("tenant:tenant:resumed", "operator") in rows(tmp_path, told)
    refused = installation("tenant", "disable", "default", "--json")
    assert (refused.status, json.loads(refused.err)["error"]) == (1, "tenant_is_default")
    for verb in ("show", "disable", "enable"):
        told_of_nobody = installation("tenant", verb, "nobody")
        assert (told_of_nobody.status, told_of_nobody.err.count("\n")) == (1, 1)


def test_keys_are_rotated_and_wrapped_anew(installation: Limen) -> None:
    first = installation("keys", "rotate", "--json").json
    assert first["rotated"] == ["ES256", "RS256"]
    second = installation("keys", "rotate", "--alg", "ES256", "--json").json
    assert second["rotated"] == ["ES256"]
    assert second["retired"][0] not in first["retired"]
    assert installation("keys", "rotate", "--alg", "PS256").status == 0
    third = installation("keys", "rotate", "--json").json
    assert third["rotated"] == ["ES256", "RS256", "PS256"]
    assert installation("keys", "rewrap", "--json").json == {"rewrapped": 0}


def test_scopes_are_said_at_once_or_one_by_one(installation: Limen) -> None:
    named = ("--scope", "read write", "--scope", "admin", "--json")
    made = installation("resource", "create", "https://api.example", *named)
    assert made.json["scopes"] == ["read", "write", "admin"]
    made = installation("client", "create", "m", "--type", "machine", *named)
    assert made.status == 0, made.err
    lines = [json.loads(each) for each in installation("client", "export").out.splitlines()]
    kept = {each["client_id"]: each["metadata"]["scope"] for each in lines}
    assert kept[made.json["client_id"]] == "read write admin"


def test_a_resource_is_created(installation: Limen) -> None:
    made = installation(
        "resource", "create", "https://api.example.com/", "--scope", "a b", "--json"
    )
    assert made.json == {
        "identifier": "https://api.example.com",
        "scopes": ["a", "b"],
        "sender_constrained": False,
    }
    bound = installation(
        *("resource", "create", "https://bound.example.com", "--scope", "a"),
        *("--sender-constrained", "--json"),
    )
    assert bound.json["sender_constrained"] is True
    listed = installation("resource", "list", "--json").json["resources"]
    assert {made.json["identifier"], bound.json["identifier"]} <= {
        each["identifier"] for each in listed
    }
    assert "https://api.example.com  a b" in installation("resource", "list").out
    assert installation("resource", "create", "https://api.example.com", "--scope", "a").status == 1
    assert installation("resource", "create", "not a uri", "--scope", "a").status == 1


def test_a_providers_secret_is_sealed(installation: Limen, tmp_path: Path) -> None:
    told = installation(
        *("provider", "set", "google", "--client-id", "ours", "--client-secret-stdin", "--json"),
        stdin="canary-secret-of-ours\n",
    )
    assert told.json == {"provider": "google", "client_id": "ours"}
    assert b"canary-secret" not in (tmp_path / "data" / "limen.db").read_bytes()


def test_an_issuer_inside_the_network_is_no_provider(installation: Limen) -> None:
    told = installation(
        *("provider", "set", "corp", "--client-id", "x", "--client-secret-stdin"),
        *("--issuer", "https://169.254.169.254/"),
        stdin="s3cret-of-ours\n",
    )
    assert told.status == 1
    assert told.err.startswith("Error: issuer:")


def test_the_worker_does_one_turn(installation: Limen) -> None:
    assert installation("worker", "--once", "--json").json["done"] >= 0


@pytest.mark.parametrize(
    "arguments",
    [["client", "list"], ["worker", "--once"], ["keys", "rotate"], ["tenant", "list"]],
)
def test_an_installation_that_is_none_is_told_in_one_line(
    limen: Limen, arguments: list[str]
) -> None:
    told = limen(*arguments)
    assert told.status == 1
    assert "limen migrate" in told.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["cleint"], "No such command 'cleint'"),
        (["client", "create"], "NAME"),
        (["client", "create", "x", "--type", "robot"], "'robot' is not one of"),
        (["serve", "--wrokers", "2"], "--wrokers"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    limen: Limen, arguments: list[str], word: str
) -> None:
    told = limen(*arguments)
    assert (told.status, told.out, told.err.count("\n")) == (2, "", 1)
    assert word in told.err
    assert "Value error" not in told.err


def test_bad_settings_are_told_one_line_each(limen: Limen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_WROKERS", "2")
    monkeypatch.setenv("LIMEN_PORT", "x")
    told = limen("client", "list", "--json")
    assert told.status == 1
    assert [json.loads(line)["error"] for line in told.err.splitlines()] == ["configuration"] * 2


def test_a_database_that_is_gone_is_told_without_its_password(
    limen: Limen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_DATABASE_URL", "postgresql://limen:canary-pw@127.0.0.1:1/limen")
    for command in (["migrate"], ["client", "list"], ["doctor"]):
        told = limen(*command)
        assert told.status == 1
        assert "canary-pw" not in told.out + told.err
        assert "Traceback" not in told.err


def test_a_providers_secrets_live_side_by_side(installation: Limen, tmp_path: Path) -> None:
    given = ("--client-secret-stdin", "--json")
    installation("provider", "set", "spotify", "--client-id", "us", *given, stdin="one-canary\n")
    added = installation(
        *("provider", "secret", "add", "spotify", "--expires-at", "2099-06-01", *given),
        stdin="two-canary\n",
    )
    listed = installation("provider", "secret", "list", "spotify", "--json").json["secrets"]
    assert [each["expires_at"] and each["expires_at"][:10] for each in listed] == [
        "2099-06-01",
        None,
    ]
    assert b"canary" not in (tmp_path / "data" / "limen.db").read_bytes()
    retire = ("provider", "secret", "retire", "spotify")
    assert installation(*retire, added.json["id"]).status == 0
    assert installation(*retire, listed[1]["id"]).status == 1


def test_a_push_secret_is_kept_named_and_forgotten_without_being_shown(
    installation: Limen, tmp_path: Path
) -> None:
    given = ("--client-secret-stdin", "--json")
    installation("provider", "set", "github", "--client-id", "us", *given, stdin="a-secret\n")
    push = ("provider", "push-secret")
    canary = "push-canary-0123456789"
    put = (*push, "set", "github", "--secret-stdin", "--json")
    made = installation(*put, stdin=f"{canary}\n").json
    assert made["url"].startswith("http://localhost:8000/api/v1/oauth/events/github/")
    listed = installation(*push, "list", "--json")
    assert [(each["provider"], each["url"]) for each in listed.json["push_secrets"]] == [
        ("github", made["url"])
    ]
    assert canary not in listed.out + installation(*push, "list").out
    assert canary.encode() not in (tmp_path / "data" / "limen.db").read_bytes()
    assert "16 to 256" in installation(*put, stdin="short\n").err
    wrong = (*push, "set", "google", "--secret-stdin")
    installation("provider", "set", "google", "--client-id", "us", *given, stdin="a-secret\n")
    assert "need no secret" in installation(*wrong, stdin=f"{canary}\n").err
    assert installation(*push, "retire", "github").status == 0
    assert installation(*push, "list", "--json").json == {"push_secrets": []}
    assert installation(*push, "retire", "github").status == 1


def test_a_provider_is_described_and_gets_a_key_only_where_it_takes_one(
    installation: Limen, tmp_path: Path
) -> None:
    entry = load_entries()["figma"].model_dump_json(by_alias=True)
    file = tmp_path / "entry.json"
    file.write_text(entry.replace('"id":"figma"', '"id":"forge"', 1))
    told = installation("provider", "describe", "forge", "--file", str(file), "--json")
    assert told.json == {"provider": "forge", "title": "Figma", "override": False}
    refused = installation("provider", "set", "forge", "--client-id", "us", "--make-key")
    assert (refused.status, "takes: secret" in refused.err) == (1, True)
    made = installation("provider", "set", "microsoft", "--client-id", "us", "--make-key", "--json")
    assert made.json["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in made.out


def test_what_the_outbox_gave_up_is_listed_and_tried_again(
    installation: Limen, tmp_path: Path
) -> None:
    assert installation("outbox", "list").out.strip() == "Nothing was given up."
    with sqlite3.connect(tmp_path / "data" / "limen.db") as connection:
        connection.execute(
            "insert into limen_outbox (tenant_id, id, kind, payload, created_at, attempts, last_error)"
            " select tenant_id, '0190', 'mail', x'00', created_at, 12, 'mail_refused'"
            " from limen_tenants"
        )
    listed = installation("outbox", "list", "--json").json["deliveries"]
    assert [(each["id"], each["kind"], each["last_error"]) for each in listed] == [
        ("0190", "mail", "mail_refused")
    ]
    assert installation("outbox", "retry", "--kind", "webhook", "--json").json == {"retried": 0}
    assert installation("outbox", "retry", "--kind", "mail").out.strip() == "1 to be tried again."
    assert rows(tmp_path, "select attempts, due_at is null from limen_outbox") == [(0, 0)]
    recorded = (
        "select actor_kind, detail from limen_audit_events where name = 'tenant:outbox:retried'"
    )
    ((actor, detail),) = rows(tmp_path, recorded)
    assert (actor, json.loads(str(detail))) == ("operator", {"count": 1, "kinds": ["mail"]})
    assert installation("outbox", "list", "--tenant", "nobody").status == 1
