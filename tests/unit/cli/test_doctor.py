import asyncio
import json
from pathlib import Path

import pytest

from limen.cli.inside import opened, read_settings
from limen.db.work import Work
from limen.kernel.actor import OPERATOR
from limen.protocol.jwk import generate_key
from limen.tenants.update_policy import update_policy
from limen.testing.processes import free_port
from tests.unit.cli.conftest import Limen


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_PORT", str(free_port()))


async def choose_profile(name: str) -> None:
    await choose(profile=name)


async def choose(**changes: object) -> None:
    async with opened(read_settings()) as runtime:
        (tenant,) = await runtime.directory.all()

        async def body(work: Work) -> None:
            await update_policy(work, changes=changes)

        await runtime.works.run(tenant, body, actor=OPERATOR)


def said_of(installation: Limen, profile: str, *client_ids: str) -> list[list[str]]:
    """Return what is said of each client, a finding each."""
    told = installation("doctor", "--profile", profile, "--json").json["findings"]
    return [
        [f"{each['state']}: {each['text']}" for each in told if each["check"] == f"client {one}"]
        for one in client_ids
    ]


def states(told: object) -> dict[str, str]:
    assert isinstance(told, dict)
    return {each["check"]: each["state"] for each in told["findings"]}


def test_a_good_installation_has_no_problem(installation: Limen) -> None:
    told = installation("doctor", "--json")
    assert told.status == 0, told.out
    assert told.json["problems"] == 0
    found = states(told.json)
    assert found["database"] == found["sealing key"] == found["tenants"] == "ok"
    assert found["mail"] == "warning"
    assert found["issuer"] == "warning"


def test_nothing_is_made_by_looking(limen: Limen, tmp_path: Path) -> None:
    told = limen("doctor", "--json")
    assert told.status == 0
    assert states(told.json)["database"] == "warning"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("issuer", "state"), [("", "warning"), ("https://id.example", "ok")], ids=["none", "https"]
)
def test_an_issuer_for_this_machine_alone_is_noticed_in_production(
    limen: Limen, monkeypatch: pytest.MonkeyPatch, issuer: str, state: str
) -> None:
    monkeypatch.setenv("LIMEN_ENVIRONMENT", "production")
    if issuer:
        monkeypatch.setenv("LIMEN_BASE_URL", issuer)
    assert states(limen("doctor", "--json").json)["settings"] == state


def test_a_database_whose_key_is_not_there_is_not_called_new(
    installation: Limen, tmp_path: Path
) -> None:
    (tmp_path / "data" / "master.key").unlink()
    told = installation("doctor", "--json")
    (found,) = (each for each in told.json["findings"] if each["check"] == "database")
    assert found["state"] == "warning"
    assert "give the key it was sealed with" in str(found)
    assert not (tmp_path / "data" / "master.key").exists()


def test_all_bad_settings_are_on_one_screen(limen: Limen, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LIMEN_BASE_URL": "http://id.example.com",
        "LIMEN_WROKERS": "2",
        "LIMEN_NET_ALLOW": "0.0.0.0/0",
        "LIMEN_SMTP_URL": "smtp://u:canary-pw@mail:x",
    }.items():
        monkeypatch.setenv(name, value)
    told = limen("doctor")
    assert told.status == 1
    assert told.out.count("✗") == 4
    assert "canary-pw" not in told.out


def test_a_key_that_others_can_read_is_a_problem(installation: Limen, tmp_path: Path) -> None:
    (tmp_path / "data" / "master.key").chmod(0o644)
    told = installation("doctor")
    assert told.status == 1
    assert "chmod 600" in told.out


def test_another_sealing_key_is_a_problem(
    installation: Limen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_MASTER_KEY", "b0VtR1hkV2pZOGtxMUx3elF5VDduUmM0c1V2WGFiY2Q=")
    told = installation("doctor")
    assert told.status == 1
    assert "sealing key is not the one" in told.out


def test_neighbours_that_do_not_answer_are_named_without_credentials(
    installation: Limen, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("LIMEN_SMTP_URL", f"smtps://u:canary-pw@127.0.0.1:{port}")
    monkeypatch.setenv("LIMEN_REDIS_URL", f"redis://:canary-pw@127.0.0.1:{port}")
    told = installation("doctor")
    assert told.status == 0
    assert told.out.count(f"127.0.0.1:{port} does not answer") == 2
    assert "canary-pw" not in told.out


def test_a_bundle_that_is_none_is_a_problem(
    installation: Limen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing")
    monkeypatch.setenv("LIMEN_CA_BUNDLE", str(bundle))
    told = installation("doctor")
    assert told.status == 1
    assert "not a readable PEM" in told.out


def test_limits_that_are_off_are_a_warning(
    installation: Limen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_LIMITS_ENABLED", "off")
    assert states(installation("doctor", "--json").json)["request rates"] == "warning"


def test_a_database_open_to_everyone_is_a_warning(installation: Limen, tmp_path: Path) -> None:
    assert "database file" not in states(installation("doctor", "--json").json)
    (tmp_path / "data" / "limen.db").chmod(0o644)
    (tmp_path / "data").chmod(0o755)
    assert states(installation("doctor", "--json").json)["database file"] == "warning"


def test_it_says_what_is_missing_for_a_profile(installation: Limen) -> None:
    assert installation("doctor", "--profile", "fapi3").status == 1
    made = installation(
        "client", "create", "Bank", "--redirect-uri", "https://bank.example/cb", "--json"
    )
    assert made.status == 0, made.out
    told = installation("doctor", "--profile", "fapi2", "--json")
    assert told.status == 1
    texts = [each["text"] for each in told.json["findings"] if each["state"] == "problem"]
    for member in ("token_endpoint_auth_method", "dpop_bound_access_tokens", "require_pushed"):
        assert any(member in text for text in texts), texts
    assert any("https" in text for text in texts)


def test_it_agrees_with_the_endpoints_about_a_tenants_profile(installation: Limen) -> None:
    bank = ("client", "create", "Bank", "--redirect-uri", "https://bank.example/cb", "--json")
    made = installation(*bank).json["client_id"]
    asyncio.run(choose_profile("fapi2"))
    told = installation("doctor", "--profile", "fapi2", "--json").json["findings"]
    texts = [each["text"] for each in told if each["check"] == f"client {made}"]
    assert any("is refused: token_endpoint_auth_method" in text for text in texts), texts
    assert not any("require_pushed" in text for text in texts), texts  # switched on for it


def test_it_judges_whom_assertions_are_for_as_the_endpoints_do(
    installation: Limen, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"jwks": {"keys": [generate_key("ES256").public.jwk()]}}))
    redirect = ("--redirect-uri", "https://app.example/cb", "--json")
    by_key = ("--auth-method", "private_key_jwt", "--metadata", str(file))
    signs = installation("client", "create", "Signs", *redirect, *by_key).json["client_id"]
    plain = installation("client", "create", "Plain", *redirect).json["client_id"]
    able = "warning: {} could keep to it; set its profile to mcp."
    both = [[able.format("Signs")], [able.format("Plain")]]
    assert said_of(installation, "mcp", signs, plain) == both
    asyncio.run(choose(assertion_audience="endpoints", authorization={"require_pushed": True}))
    (refused,), of_plain = said_of(installation, "mcp", signs, plain)
    assert ("assertion_audience" in refused, of_plain) == (True, both[1])
    (texts,) = said_of(installation, "fapi2", signs)
    assert not any("require_pushed" in text for text in texts), texts  # the tenant demands it
    update = installation("client", "update", signs, "--profile", "fapi2")
    assert update.status == 0, update.out
    assert said_of(installation, "mcp", signs) == [[]]


def test_it_asks_of_a_machine_what_it_uses(installation: Limen, tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    members = {
        "jwks": {"keys": [generate_key("ES256").public.jwk()]},
        "introspection_signed_response_alg": "ES256",
    }
    file.write_text(json.dumps(members))
    named = ("--type", "machine", "--auth-method", "private_key_jwt", "--metadata", str(file))
    made = installation("client", "create", "Job", *named, "--json").json["client_id"]
    ((text,),) = said_of(installation, "fapi2", made)
    assert "dpop_bound_access_tokens" in text
    file.write_text(json.dumps({"dpop_bound_access_tokens": True}))
    assert installation("client", "update", made, "--metadata", str(file)).status == 0
    able = "warning: Job could keep to it; set its profile to fapi2."
    assert said_of(installation, "fapi2", made) == [[able]]


def test_the_built_in_client_is_judged_by_what_its_sign_in_does(installation: Limen) -> None:
    ((said,),) = said_of(installation, "fapi2", "limen-first-party")
    assert said.startswith("warning: tokens of a sign-in are whoever's has them")
    asyncio.run(choose_profile("fapi2"))
    assert said_of(installation, "fapi2", "limen-first-party") == [[]]
