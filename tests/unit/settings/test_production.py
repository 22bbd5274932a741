import pytest

from limen.kernel.errors import ConfigurationError
from limen.settings import load

UNSAFE = [
    ("LIMEN_BASE_URL", "http://id.example.com"),
    ("LIMEN_HOST", "0.0.0.0"),
    ("LIMEN_DEVELOPMENT_MAILBOX", "1"),
    ("LIMEN_DEVELOPMENT_CLOCK", "1"),
    ("LIMEN_DEVELOPMENT_SIMULATORS", "1"),
    ("LIMEN_DEVELOPMENT_APPROVALS", "1"),
    ("LIMEN_FAILPOINTS", "vault.refresh.after_send"),
    ("LIMEN_LOG_LEVEL", "debug"),
    ("LIMEN_MASTER_KEY", "changeme"),
    ("LIMEN_MASTER_KEY", "0" * 64),
    ("LIMEN_DATABASE_URL", "postgresql://limen:limen@db.internal/limen"),
    ("LIMEN_DATABASE_URL", "postgresql://app:postgres@db.internal/limen"),
    ("LIMEN_REDIS_URL", "redis://:password@cache.internal"),
    ("LIMEN_SMTP_URL", "smtp://mail.example.com?starttls=off"),
    ("LIMEN_NET_ALLOW", "0.0.0.0/0"),
    ("LIMEN_NET_ALLOW", "[::/0]"),
    ("LIMEN_NET_ALLOW", "169.254.169.254"),
    ("LIMEN_NET_ALLOW", "[fd00:ec2::254]"),
    ("LIMEN_TRUSTED_PROXIES", "0.0.0.0/0"),
    ("LIMEN_TRUSTED_PROXIES", "::/0"),
    ("LIMEN_PASSWORDS_MIN_LENGTH", "6"),
    ("LIMEN_PASSWORDS_MIN_LENGTH_WITH_MFA", "4"),
    ("LIMEN_PASSWORDS_MEMORY_KIB", "1024"),
]


@pytest.mark.parametrize(("name", "value"), UNSAFE)
def test_n262_production_refuses_to_start(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({name: value})
    assert len(caught.value.problems) == 1
    subject = "LIMEN_BASE_URL" if name == "LIMEN_HOST" else name
    assert caught.value.problems[0].startswith(subject)


@pytest.mark.parametrize(("name", "value"), UNSAFE)
def test_development_starts_with_the_same(name: str, value: str) -> None:
    assert load({"LIMEN_ENVIRONMENT": "development", name: value}).is_development


def test_n262_an_example_is_no_client_secret() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"NOTION_CLIENT_ID": "x", "NOTION_CLIENT_SECRET": "your-client-secret"})
    assert caught.value.problems[0].startswith("NOTION_CLIENT_SECRET")


@pytest.mark.parametrize(
    "safe",
    [
        {"LIMEN_BASE_URL": "https://id.example.com", "LIMEN_HOST": "0.0.0.0"},
        {"LIMEN_BASE_URL": "http://127.0.0.1:9000"},
        {"LIMEN_SMTP_URL": "smtp://127.0.0.1:2525?starttls=off"},
        {"LIMEN_NET_ALLOW": "10.0.0.0/8, localhost"},
        {"LIMEN_DATABASE_URL": "postgresql://postgres:postgres@127.0.0.1/limen"},
    ],
)
def test_production_starts_with_what_is_safe(safe: dict[str, str]) -> None:
    assert load(safe).environment == "production"
