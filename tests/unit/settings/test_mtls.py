from pathlib import Path

import pytest

from limen.app.mtls import build_mtls, certificate_header
from limen.kernel.errors import ConfigurationError
from limen.protocol.client_certificate import CertificateHeader
from limen.settings import load
from tests.certificates import authority

ON = {"LIMEN_TRUSTED_PROXIES": "10.0.0.1", "LIMEN_MTLS_CERTIFICATE_FORMAT": "rfc9440"}


def test_no_certificate_is_looked_at_unless_an_operator_says_where() -> None:
    settings = load({})
    assert certificate_header(settings.mtls) is None
    assert build_mtls(settings) is None


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("rfc9440", "client-cert"),
        ("escaped-pem", "x-ssl-client-cert"),
        ("xfcc", "x-forwarded-client-cert"),
    ],
)
def test_each_format_has_its_usual_header(written: str, name: str) -> None:
    environment = ON | {"LIMEN_MTLS_CERTIFICATE_FORMAT": written}
    read = certificate_header(load(environment).mtls)
    assert read == CertificateHeader(name, written)  # type: ignore[arg-type]  # one of the formats
    chosen = load(environment | {"LIMEN_MTLS_CERTIFICATE_HEADER": "x-peer"})
    header = certificate_header(chosen.mtls)
    assert header is not None
    assert header.name == "x-peer"


@pytest.mark.parametrize(
    "environment",
    [
        {"LIMEN_MTLS_BASE_URL": "https://mtls.example"},
        {"LIMEN_MTLS_CA_BUNDLE": "authorities.pem"},
        {**ON, "LIMEN_MTLS_CERTIFICATE_FORMAT": "pem"},
        {**ON, "LIMEN_MTLS_CERTIFICATE_HEADER": "X-Peer"},
        {**ON, "LIMEN_MTLS_CERTIFICATE_HEADER": "x_peer"},
        {**ON, "LIMEN_MTLS_CERTIFICATE_HEADER": "x-peer "},
        {**ON, "LIMEN_MTLS_BASE_URL": "mtls.example"},
        {**ON, "LIMEN_MTLS_BASE_URL": "http://mtls.example"},
    ],
    ids=str,
)
def test_half_a_setting_does_not_start(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environment)
    assert "mtls" in caught.value.problems[0].lower()


def test_n222_nobody_tells_of_certificates_without_a_trusted_proxy() -> None:
    settings = load({"LIMEN_MTLS_CERTIFICATE_FORMAT": "rfc9440"})
    with pytest.raises(ConfigurationError, match="LIMEN_TRUSTED_PROXIES"):
        build_mtls(settings)


def test_authorities_are_read_at_start(tmp_path: Path) -> None:
    bundle = tmp_path / "authorities.pem"
    settings = load(ON | {"LIMEN_MTLS_CA_BUNDLE": str(bundle)})
    for content in (None, b"", b"rubbish"):
        if content is not None:
            bundle.write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"authorities\.pem"):
            build_mtls(settings)
    bundle.write_bytes(authority().pem)
    made = build_mtls(settings)
    assert made is not None
    assert made.authorities is not None
