import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.ids import new_tenant_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint
from limen.observe.redact import clean, clean_members, redact

CANARY = "canaryC4n4ry9xQ"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"

SHAPES = [
    JWT,
    JWT.rsplit(".", 1)[0] + ".",
    f"Authorization: Bearer {CANARY}",
    f"authorization: bearer {CANARY}.x-y_z",
    f"Basic {CANARY}==",
    f"DPoP {CANARY}",
    f"postgresql://limen:{CANARY}@db/limen",
    f"smtp://u:{CANARY}p@mail:587 refused",
    f"/cb?code={CANARY}&x=1",
    f"/cb?x=1&state={CANARY}",
    f"grant_type=refresh_token&refresh_token={CANARY}",
    f"client_secret={CANARY} refused",
    f'{{"password": "{CANARY}"}}',
    f"{{'refresh_token': '{CANARY}'}}",
    f"ya29.{CANARY}",
    f"ghp_{CANARY}",
    f"GOCSPX-{CANARY}",
    f"ntn_{CANARY}",
    f"$argon2id$v=19$m=19456,t=2,p=1${CANARY}",
    f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}\n-----END EC PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
]


@pytest.mark.parametrize("text", SHAPES)
def test_n241_a_secret_is_known_by_its_shape(text: str) -> None:
    shown = redact(f"before {text} after")
    assert CANARY not in shown
    assert "eyJzdWI" not in shown
    assert shown.startswith("before ")
    assert "[hidden]" in shown


@pytest.mark.parametrize("kind", ["lmr", "lmc", "lms", "lmat"])
def test_n241_our_own_tokens_are_known_by_their_shape(kind: str) -> None:
    raw = mint(kind, new_tenant_id()).reveal()
    assert raw.split("_", 2)[2] not in redact(f"token {raw}.7.mac-part refused")
    assert "mac-part" not in redact(f"token {raw}.7.mac-part refused")


@pytest.mark.parametrize(
    "name",
    [
        *("password", "new_password", "client_secret", "refresh_token", "Authorization", "cookie"),
        *("code", "state", "code_verifier", "id_token_hint", "body", "Set-Cookie", "X-Api-Key"),
        *("raw_token", "master_key_secret", "headers", "query", "email"),
    ],
)
def test_n241_a_secret_is_known_by_its_name(name: str) -> None:
    assert CANARY not in json.dumps(clean_members({name: CANARY}))
    assert CANARY not in json.dumps(clean_members({"outer": {name: [CANARY]}}))


@pytest.mark.parametrize(
    "text",
    [
        "invalid_grant",
        "client lmclient signed in",
        "/api/v1/interactions/{id}",
        "https://id.example.com/oauth2/token",
        "0190a5f0-3f3e-7000-8000-000000000000",
        "status_code=200",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert redact(text) == text


def test_a_harmless_name_that_looks_like_a_secret_is_shown() -> None:
    assert clean_members({"token_type": "Bearer", "refusal": "invalid_grant"}) == {
        "token_type": "Bearer",
        "refusal": "invalid_grant",
    }


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "a\x1b[2Kb", "a\x9bb", "a\u2028b", "a\u202eb", "a\x00b", "a\ud800b"]
)
def test_n276_control_characters_are_made_visible(text: str) -> None:
    shown = redact(text)
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_values_that_are_no_text_are_bounded() -> None:
    assert clean(b"secret bytes") == "[12 bytes]"
    assert clean(Secret(CANARY)) == "Secret(…)"
    assert len(clean("x" * 100_000)) == 4000
    assert len(clean(list(range(1000)))) == 100
    nested: object = CANARY
    for _ in range(50):
        nested = {"a": nested}
    assert CANARY not in json.dumps(clean(nested))


@given(st.text() | st.dictionaries(st.text(), st.text() | st.binary() | st.floats()))
def test_anything_becomes_one_printable_line(value: object) -> None:
    assert "\n" not in json.dumps(clean(value), ensure_ascii=False)


@given(st.text(alphabet="eyJabc._-lmr/:@=&?'\" ", max_size=3000))
def test_redaction_takes_linear_time_on_hostile_text(text: str) -> None:
    redact(text * 3)
