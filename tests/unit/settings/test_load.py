import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from limen.kernel.errors import ConfigurationError
from limen.kernel.secret import Secret
from limen.settings import Allowed, Rate, Settings, load
from limen.settings.names import NAMES
from limen.settings.sections import DatabaseSettings


def problems_of(environ: dict[str, str], *, config: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load({"LIMEN_CONFIG": str(config or "")} | environ)
    return list(caught.value.problems)


def test_production_is_the_default_and_all_is_closed() -> None:
    settings = load({})
    assert settings.environment == "production"
    assert settings.base_url == "http://localhost:8000"
    assert settings.net.allow == ()
    assert settings.web.trusted_proxies == ()
    assert not settings.development.clock
    assert settings.database.sqlite_path == Path("var/limen.db")
    assert settings.keys.master_key_file == Path("var/master.key")


def test_development_implies_comforts_that_can_be_taken_back() -> None:
    settings = load(
        {
            "LIMEN_ENVIRONMENT": "development",
            "LIMEN_DEVELOPMENT_CLOCK": "off",
            "LIMEN_NET_ALLOW": "",
        }
    )
    assert settings.development.mailbox
    assert settings.development.simulators
    assert not settings.development.clock
    assert settings.net.allow == ()
    assert settings.limits.rate("login").amount > 10_000
    assert load({"LIMEN_ENVIRONMENT": "development"}).net.allow[0].host == "localhost"


def test_a_given_rate_wins_over_the_generous_one() -> None:
    settings = load({"LIMEN_ENVIRONMENT": "development", "LIMEN_LIMITS_LOGIN": "5/10s"})
    assert settings.limits.rate("login") == Rate(5, 10)
    assert settings.limits.rate("no-such-rate") == settings.limits.default


def test_the_address_and_the_files_follow_port_and_data_directory() -> None:
    settings = load({"LIMEN_PORT": "9001", "LIMEN_DATA_DIR": "/srv/limen"})
    assert settings.base_url == "http://localhost:9001"
    assert settings.database.sqlite_path == Path("/srv/limen/limen.db")
    assert settings.keys.master_key_file == Path("/srv/limen/master.key")


def test_every_name_the_operators_guide_gives_is_read() -> None:
    settings = load(
        {
            "LIMEN_DATABASE_URL": "postgresql://limen:k3Zq8-pool@db.internal/limen",
            "LIMEN_DATABASE_POOL": "7",
            "LIMEN_BASE_URL": "https://id.example.com/",
            "LIMEN_HOST": "0.0.0.0",
            "LIMEN_WORKERS": "3",
            "LIMEN_REDIS_URL": "rediss://cache.internal:6380/1",
            "LIMEN_SMTP_URL": "smtp://u:p@mail.internal:587",
            "LIMEN_NET_ALLOW": "https://10.20.0.0/16:8443, idp.internal",
            "LIMEN_CA_BUNDLE": "/etc/limen/ca.pem",
            "LIMEN_TRUSTED_PROXIES": "10.0.0.5, 10.1.0.0/16",
            "OAUTH_ENCRYPTION_KEY": "b0VtR1hkV2pZ8kq1LwzQyT7nRc4sUvXa",
            "GOOGLE_CLIENT_ID": "google-id",
            "GOOGLE_CLIENT_SECRET": "GOCSPX-k29dkLs92",
            "NOTION_CLIENT_ID": "notion-id",
            "NOTION_CLIENT_SECRET": "nts-9dk20dkw9x",
            "MICROSOFT_CLIENT_ID": "",
        }
    )
    assert settings.database.url.reveal().startswith("postgresql://")
    assert (settings.database.pool, settings.workers) == (7, 3)
    assert settings.base_url == "https://id.example.com"
    assert settings.is_secure
    assert settings.net.allow[0] == Allowed.parse("https://10.20.0.0/16:8443")
    assert len(settings.web.trusted_proxies) == 2
    assert settings.keys.master_key == Secret("b0VtR1hkV2pZ8kq1LwzQyT7nRc4sUvXa")
    assert set(settings.providers.configured) == {"google", "notion", "youtube"}
    assert settings.providers.configured["youtube"].client_id == "google-id"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "limen.toml"
    file.write_text(
        'port = 9000\nworkers = 2\n[tokens]\naccess_ttl = "5m"\n[net]\nallow = ["idp.internal"]\n'
    )
    settings = load({"LIMEN_CONFIG": str(file), "LIMEN_PORT": "9100"})
    assert (settings.port, settings.workers) == (9100, 2)
    assert settings.tokens.access_ttl == dt.timedelta(minutes=5)
    assert settings.net.allow == (Allowed.parse("idp.internal"),)


def test_all_problems_come_in_one_error(tmp_path: Path) -> None:
    file = tmp_path / "limen.toml"
    file.write_text(
        'prot = 1\nworkers = 0\n[sessions]\nidel_ttl = "3d"\n[tokens]\ncode_ttl = "1x"\n'
    )
    found = problems_of(
        {
            "LIMEN_WROKERS": "2",
            "LIMEN_PORT": "x",
            "LIMEN_NET_ALLOW": "a b",
            "GOOGLE_CLIENT_ID": "half",
            "LIMEN_DEVELOPMENT_CLOCK": "1",
            "LIMEN_BASE_URL": "http://id.example.com",
        },
        config=file,
    )
    for word in (
        "LIMEN_WROKERS: there is no such setting; did you mean LIMEN_WORKERS?",
        "prot: there is no such setting",
        "sessions.idel_ttl: there is no such setting",
        "LIMEN_WORKERS (workers)",
        "LIMEN_PORT (port)",
        "LIMEN_TOKENS_CODE_TTL (tokens.code_ttl): write a duration",
        "LIMEN_NET_ALLOW (net.allow): 'a b'",
        "GOOGLE_CLIENT_SECRET (providers.google.client_secret): is missing",
        "LIMEN_DEVELOPMENT_CLOCK (development.clock): exists in development only",
        "LIMEN_BASE_URL (base_url): an issuer that others reach is https",
    ):
        assert any(problem.startswith(word) for problem in found), (word, found)
    assert len(found) == 10


@pytest.mark.parametrize(
    ("text", "word"),
    [("port = [", "is not TOML"), ("port = 1\nport = 2", "is not TOML"), ("\udcff", "not UTF-8")],
)
def test_a_file_that_is_not_toml_is_one_more_problem(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "limen.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = problems_of({"LIMEN_WROKERS": "2"}, config=file)
    assert len(found) == 2
    assert any(word in problem for problem in found)


def test_a_named_file_has_to_exist(tmp_path: Path) -> None:
    assert "no such file" in problems_of({}, config=tmp_path / "absent.toml")[0]


def test_a_table_where_a_value_stands_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "limen.toml"
    file.write_text("net = 3\n")
    found = problems_of({"LIMEN_NET_ALLOW": "localhost"}, config=file)
    assert any("net" in problem for problem in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIMEN_DATABASE_URL", "postgresql://limen:hunter2-canary@db:99999/limen"),
        ("LIMEN_DATABASE_URL", "mysql://limen:hunter2-canary@db/limen"),
        ("LIMEN_DATABASE_URL", "postgresql://limen:hunter2-canary@[db/limen"),
        ("LIMEN_REDIS_URL", "http://:hunter2-canary@cache"),
        ("LIMEN_SMTP_URL", "smtp://u:hunter2-canary@mail:x"),
        ("LIMEN_SMTP_URL", "smtp://u:hunter2-canary@mail?tls=no"),
        ("LIMEN_BASE_URL", "https://u:hunter2-canary@id.example.com"),
        ("LIMEN_BASE_URL", "https://id.example.com:hunter2-canary"),
    ],
)
def test_n242_a_bad_url_is_reported_without_its_credentials(name: str, value: str) -> None:
    found = problems_of({name: value})
    assert len(found) == 1
    assert found[0].startswith(name)
    assert "hunter2" not in found[0]


def test_secrets_never_print() -> None:
    settings = load(
        {
            "LIMEN_MASTER_KEY": "b0VtR1hkV2pZ8kq1-canary",
            "LIMEN_DATABASE_URL": "postgresql://u:canary-pw@db/limen",
            "GITHUB_CLIENT_ID": "x",
            "GITHUB_CLIENT_SECRET": "canary-github",
        }
    )
    shown = repr(settings) + str(settings) + settings.model_dump_json() + str(settings.model_dump())
    assert "canary" not in shown


def test_n242_building_settings_by_hand_quotes_no_secret_either() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(database={"url": "postgresql://limen:canary-pw@db:x/limen"})
    assert "canary" not in str(caught.value)


def test_two_master_keys_that_differ_are_refused() -> None:
    both = {"LIMEN_MASTER_KEY": "b0VtR1hkV2pZ8kq1", "OAUTH_ENCRYPTION_KEY": "b0VtR1hkV2pZ8kq2"}
    assert "both set and differ" in problems_of(both)[0]


def test_building_settings_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_PORT", "9999")
    assert Settings().port == 8000


def test_a_section_given_built_keeps_what_is_implied_beside_it() -> None:
    settings = Settings(data_dir=Path("/x"), database=DatabaseSettings(pool=3))
    assert settings.database.pool == 3
    assert settings.database.sqlite_path == Path("/x/limen.db")


def test_names_in_the_environment_are_unambiguous() -> None:
    places = [place for name, place in NAMES.items() if name != "OAUTH_ENCRYPTION_KEY"]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("text", ["", "0/minute", "5/0s", "many/minute", "5/fortnight", "-1/s"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    assert problems_of({"LIMEN_LIMITS_LOGIN": text or "/"})


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "http://",
        "https://a/b",
        "a:0",
        "a:65536",
        "u@h",
        "ftp://h",
        "1.2.3",
        "10.0.0.1/8",
        "h?x",
    ],
)
def test_an_allow_list_entry_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host-or-network"):
        Allowed.parse(text)


@pytest.mark.parametrize(
    ("text", "scheme", "port", "covered"),
    [
        ("localhost", "http", 8080, True),
        ("127.0.0.0/8", "http", 1, True),
        ("[::1]", "http", 1, True),
        ("idp.internal", "http", 80, False),
        ("idp.internal", "https", 8443, True),
        ("http://idp.internal", "https", 443, False),
        ("10.0.0.0/8:443", "https", 443, True),
        ("10.0.0.0/8:443", "https", 8443, False),
        ("[fd00::/8]:443", "https", 443, True),
    ],
)
def test_an_entry_covers_its_scheme_and_port(
    text: str, scheme: str, port: int, covered: bool
) -> None:
    assert Allowed.parse(text).covers(scheme=scheme, port=port) is covered


@pytest.mark.parametrize(
    ("written", "issuer"),
    [
        ("https://id.example/", "https://id.example"),
        ("https://id.example/base/", "https://id.example/base"),
        ("https://id.example?tenant=a", None),
        ("https://id.example/?", None),
        ("https://id.example#a", None),
        ("https://ID.example", None),
        ("https://ada@id.example", None),
        ("ftp://id.example", None),
        ("id.example", None),
    ],
)
def test_rfc_8414_2_an_issuer_has_no_query_and_no_fragment(
    written: str, issuer: str | None
) -> None:
    given = {"LIMEN_BASE_URL": written}
    if issuer is not None:
        assert load(given).base_url == issuer
        return
    with pytest.raises(ConfigurationError) as caught:
        load(given)
    assert caught.value.problems[0].startswith("LIMEN_BASE_URL")


@pytest.mark.parametrize(
    ("tenant", "values"),
    [
        ("", {}),
        ("common", {}),
        ("organizations", {"tenant": "organizations"}),
        (
            "11111111-2222-3333-4444-555555555555",
            {"tenant": "11111111-2222-3333-4444-555555555555"},
        ),
    ],
)
def test_microsofts_directory_is_named_by_the_environment(
    tenant: str, values: dict[str, str]
) -> None:
    given = {"MICROSOFT_CLIENT_ID": "x", "MICROSOFT_CLIENT_SECRET": "k29dkLs92-secret"}
    client = load({**given, "MICROSOFT_TENANT": tenant}).providers.configured["microsoft"]
    assert client.values == values


def test_a_directory_that_is_an_address_is_refused() -> None:
    given = {"MICROSOFT_CLIENT_ID": "x", "MICROSOFT_CLIENT_SECRET": "k29dkLs92-secret"}
    assert problems_of({**given, "MICROSOFT_TENANT": "evil.example/x"})
