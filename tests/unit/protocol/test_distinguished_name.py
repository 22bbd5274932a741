from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput
from limen.protocol.distinguished_name import is_same_dn, parse_dn
from tests.certificates import name_of

SUBJECT = name_of(c="DE", o="Bank, Inc.", cn="app")


@pytest.mark.parametrize(
    "registered",
    [
        "CN=app,O=Bank\\, Inc.,C=DE",
        "cn=app,o=Bank\\, Inc.,c=DE",
        "CN=app,O=Bank\\2C Inc.,C=DE",
        "2.5.4.3=app,2.5.4.10=Bank\\, Inc.,2.5.4.6=DE",
        "CN=#617070,O=Bank\\, Inc.,C=DE",
    ],
)
def test_one_name_written_in_different_ways(registered: str) -> None:
    assert is_same_dn(registered, SUBJECT)


@pytest.mark.parametrize(
    "registered",
    [
        "C=DE,O=Bank\\, Inc.,CN=app",
        "CN=app,O=Bank\\, Inc.",
        "CN=app,O=Bank\\, Inc.,C=DE,C=DE",
        "CN=App,O=Bank\\, Inc.,C=DE",
        "CN=app ,O=Bank\\, Inc.,C=DE",
        "CN=app+O=Bank\\, Inc.,C=DE",
        "CN=app",
        "CN=app.evil,O=Bank\\, Inc.,C=DE",
        "CN=*,O=Bank\\, Inc.,C=DE",
        "",
        "app",
        "CN=app,O=Bank, Inc.,C=DE",
        "X=app",
        "CN=app;O=Bank",
    ],
)
def test_every_other_name_is_another(registered: str) -> None:
    assert not is_same_dn(registered, SUBJECT)


def test_the_parts_of_one_relative_name_have_no_order() -> None:
    both = x509.RelativeDistinguishedName(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "app"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "7"),
        ]
    )
    for registered in ("CN=app+serialNumber=7", "SERIALNUMBER=7+CN=app"):
        assert is_same_dn(registered, x509.Name([both]))


def test_banks_attribute_types_are_known() -> None:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "PSDDE-BAFIN-1"),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@bank.example"),
        ]
    )
    assert is_same_dn("emailAddress=a@bank.example,organizationIdentifier=PSDDE-BAFIN-1", subject)


def test_an_empty_subject_matches_nothing() -> None:
    assert not is_same_dn("", x509.Name([]))
    with pytest.raises(InvalidInput):
        parse_dn("")


@pytest.mark.parametrize("text", ["CN=" + "a" * 2000, "CN=\ud800", "CN=\0", "=", ",", "CN=a,,C=DE"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_dn(text)


@given(st.text() | st.text(alphabet='CN=ao,+\\#"12;. '))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        assert parse_dn(text).rdns
    except InvalidInput:
        return
