from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.accounts.email_address import find_canonical, parse_email, throttle_key
from limen.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.Lovelace@Example.COM ", "ada.lovelace@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("a@\u4f8b\u3048.jp", "a@xn--r8jz45g.jp"),
        ("a@B\u00dcCHER.example", "a@xn--bcher-kva.example"),
        ("ada@limen.test", "ada@limen.test"),
    ],
)
def test_an_address_has_one_form(raw: str, canonical: str) -> None:
    assert parse_email(raw) == canonical
    assert parse_email(canonical) == canonical


@pytest.mark.parametrize(
    "raw",
    [
        "Ada@Example.com",
        " ada@example.com",
        "ada+1@example.com",
        "ADA+x+y@EXAMPLE.COM",
        "ada@example.com ",
    ],
)
def test_variants_of_an_address_count_together(raw: str) -> None:
    assert throttle_key(raw) == "ada@example.com"


@pytest.mark.parametrize("host", ["straße.example", "βόλος.example"])
def test_n155_one_account_has_one_count_however_its_host_is_written(host: str) -> None:
    canonical = parse_email(f"ada@{host}")
    assert throttle_key(f"Ada@{host}") == throttle_key(canonical.upper()) == canonical


@given(st.text())
def test_any_text_is_canonical_or_refused(raw: str) -> None:
    throttle_key(raw)
    canonical = find_canonical(raw)
    if canonical is not None:
        assert parse_email(canonical) == canonical
    else:
        with pytest.raises(InvalidInput, match="email_invalid"):
            parse_email(raw)


@given(st.emails())
def test_plain_addresses_are_their_own_canonical_form(raw: str) -> None:
    canonical = find_canonical(raw)
    if canonical is not None:
        assert canonical == raw.lower()
