from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.clock import UTC
from limen.kernel.secret import Secret
from limen.mfa.qr import svg_of
from limen.mfa.recovery_codes import read_recovery_code
from limen.mfa.totp import (
    base32,
    hotp,
    matching_step,
    new_secret,
    provisioning_uri,
    read_code,
    step_at,
)

RFC = Secret(b"12345678901234567890")
HOTP = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583"]
HOTP += ["399871", "520489"]
TOTP = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("counter", "code"), list(enumerate(HOTP)))
def test_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert hotp(RFC, counter) == code


@pytest.mark.parametrize(("seconds", "code"), TOTP)
def test_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    now = dt.datetime.fromtimestamp(seconds, UTC)
    assert hotp(RFC, step_at(now), digits=8) == code
    assert matching_step(RFC, Secret(code[2:]), now=now) == step_at(now)


@pytest.mark.parametrize(("off", "is_taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_one_step_of_difference_is_forgiven(off: int, is_taken: bool) -> None:
    now = dt.datetime(2026, 11, 21, 12, 0, 10, tzinfo=UTC)
    step = step_at(now) + off
    assert matching_step(RFC, Secret(hotp(RFC, step)), now=now) == (step if is_taken else None)


@pytest.mark.parametrize("typed", ["123456", "123 456", "123-456", " 123456 "])
def test_a_code_may_be_grouped(typed: str) -> None:
    code = read_code(Secret(typed))
    assert code is not None
    assert code.reveal() == "123456"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "1234567",
        "12345a",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "123456\n",
        "\x00" * 6,
        "-123456789",
    ],
)
def test_anything_else_is_no_code(typed: str) -> None:
    assert read_code(Secret(typed)) is None


@given(st.text())
def test_no_text_is_more_than_no_code(typed: str) -> None:
    code = read_code(Secret(typed))
    assert code is None or (len(code.reveal()) == 6 and code.reveal().isascii())
    recovery = read_recovery_code(Secret(typed))
    assert recovery is None or len(recovery.reveal()) == 10


def test_what_an_app_reads() -> None:
    secret = new_secret()
    assert len(secret.reveal()) == 20
    uri = provisioning_uri(secret, issuer="Acme: Inc", account="ada@example.org")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Acme  Inc:ada@example.org"
    assert parse_qs(parts.query) == {
        "secret": [base32(secret)],
        "issuer": ["Acme  Inc"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


def test_the_picture_bends_no_content_policy() -> None:
    svg = svg_of("otpauth://totp/a:b?secret=ABC")
    assert svg.startswith("<svg ")
    assert "viewBox=" in svg
    assert not any(word in svg for word in ("style", "script", "href", "xmlns:xlink", "url("))
