from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from limen.protocol.client_certificate import (
    FORMATS,
    CertificateFormat,
    CertificateRefused,
    load_certificate,
    read_certificate,
)
from tests.certificates import Made, certificate

MADE = certificate()
OTHER = certificate()


def written(made: Made, form: CertificateFormat) -> str:
    return {"rfc9440": made.rfc9440, "escaped-pem": made.escaped_pem, "xfcc": made.xfcc}[form]


@pytest.mark.parametrize("form", FORMATS)
def test_each_proxys_way_of_writing_it(form: CertificateFormat) -> None:
    read = read_certificate(written(MADE, form), written=form)
    assert read.der == MADE.der
    assert read.thumbprint == MADE.thumbprint
    assert read.public_key_der == MADE.key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("other", FORMATS)
def test_one_form_is_not_read_as_another(form: CertificateFormat, other: CertificateFormat) -> None:
    if form != other:
        with pytest.raises(CertificateRefused):
            read_certificate(written(MADE, form), written=other)


@pytest.mark.parametrize(
    "header",
    [
        "",
        ":",
        "::",
        MADE.rfc9440[1:-1],
        MADE.rfc9440 + ", " + OTHER.rfc9440,
        MADE.rfc9440 + ";a=b",
        ":" + base64.b64encode(MADE.der + b"\0").decode() + ":",
        ":" + base64.b64encode(MADE.der[:-1]).decode() + ":",
        ":" + base64.b64encode(b"no certificate").decode() + ":",
        ":" + MADE.rfc9440[1:-1].replace("=", "") + "\u00e9:",
        "x" * 40_000,
    ],
)
def test_a_byte_sequence_that_is_not_one_certificate(header: str) -> None:
    with pytest.raises(CertificateRefused):
        read_certificate(header, written="rfc9440")


@pytest.mark.parametrize(
    "header",
    [
        "",
        MADE.escaped_pem + OTHER.escaped_pem,
        "before%0A" + MADE.escaped_pem,
        MADE.escaped_pem.replace("CERTIFICATE", "PUBLIC%20KEY"),
        MADE.escaped_pem + "\u00e9",
        "(null)",
    ],
)
def test_an_escaped_pem_that_is_not_one_certificate(header: str) -> None:
    with pytest.raises(CertificateRefused):
        read_certificate(header, written="escaped-pem")


@pytest.mark.parametrize(
    "header",
    [
        "",
        'Hash=abc;Subject="CN=app"',
        f"{MADE.xfcc},{OTHER.xfcc}",
        f'{MADE.xfcc};Cert="{OTHER.escaped_pem}"',
        f'Cert="{MADE.escaped_pem}',
        f'Cert="{MADE.escaped_pem}" junk',
        f'Chain="{MADE.escaped_pem}"',
    ],
)
def test_what_envoy_would_not_write_alone(header: str) -> None:
    with pytest.raises(CertificateRefused):
        read_certificate(header, written="xfcc")


def test_quoted_text_in_an_element_does_not_end_it() -> None:
    header = f'Subject="CN=\\"a;Cert=b,c\\"";URI=a;URI=b;Cert="{MADE.escaped_pem}"'
    assert read_certificate(header, written="xfcc").der == MADE.der


def test_bytes_after_the_certificate_are_not_overlooked() -> None:
    with pytest.raises(CertificateRefused):
        load_certificate(MADE.der + b"x")


@given(st.text(), st.sampled_from(FORMATS))
def test_any_header_is_a_certificate_or_refused(header: str, form: CertificateFormat) -> None:
    with pytest.raises(CertificateRefused):
        read_certificate(header, written=form)


@given(st.binary())
def test_any_bytes_are_a_certificate_or_refused(der: bytes) -> None:
    with pytest.raises(CertificateRefused):
        load_certificate(der)
