"""Requests as strangers send them, before any endpoint has a look: read, or refused."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from limen.kernel.ids import b64url
from limen.kernel.site import Site
from limen.protocol.client_certificate import CertificateHeader
from limen.tokens.resource.bearer import read_token
from limen.web import cookies, csrf
from limen.web.body_limits import check_headers
from limen.web.forms import is_form, read_query
from limen.web.locate import address_of, escaped_path
from limen.web.peer.client_certificate import certificate_of, take_certificate
from limen.web.peer.client_ip import UNKNOWN, address_block, client_ip, networks
from tests.certificates import certificate
from tests.unit.hostile import FEW, PIECES, TEXTS, near, read_or_refused

SITE = Site(tenant_id="t", slug="default", issuer="https://id.example", path="")
TRUSTED = networks(["10.0.0.0/8", "::1"])
MADE = certificate()
WRITTEN = {"rfc9440": MADE.rfc9440, "escaped-pem": MADE.escaped_pem, "xfcc": MADE.xfcc}
GOOD = {
    "authorization": "Bearer lma_abc.def",
    "cookie": "__Host-lm_session_t=abc; __Host-lm_csrf_t=def",
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    "content-length": "12",
    "content-encoding": "identity",
    "x-forwarded-for": "192.0.2.1, 2001:db8::1, 10.1.2.3",
    "forwarded": 'for="[2001:db8::1]:80";proto=https, for=192.0.2.1',
    "host": "id.example:443",
    "dpop": "a.b.c",
    "x-csrf-token": "AAAA",
}
HEADERS = st.lists(
    st.tuples(st.sampled_from(list(GOOD)), TEXTS | near(*GOOD.values())), max_size=5
).map(
    lambda pairs: [(name.encode(), value.encode("utf-8")) for name, value in pairs],
)


def request_of(
    headers: list[tuple[bytes, bytes]], *, query: bytes = b"", path: str = "/", header: str = ""
) -> Request:
    edge: Any = SimpleNamespace(
        trusted_proxies=TRUSTED, proxy_header=header or "x-forwarded-for", certificate_header=None
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": headers,
        "client": ("10.0.0.1", 4711),
        "state": {"site": SITE, "edge": edge},
    }
    return Request(scope)


@FEW
@given(HEADERS, st.sampled_from(["x-forwarded-for", "forwarded"]))
def test_any_headers_are_read_or_refused(headers: list[tuple[bytes, bytes]], which: str) -> None:
    request = request_of(headers, header=which)
    for read in (read_token, is_form, csrf.token_for):
        read_or_refused(read, request)
    read_or_refused(check_headers, dict(headers), max_bytes=1000)
    caller = client_ip(request)
    assert caller == UNKNOWN or str(ipaddress.ip_address(caller)) == caller
    assert cookies.read(request, "session") in {None, "abc"} or cookies.was_sent(request, "session")


@FEW
@given(st.binary(max_size=80) | near("a=1&b=%20+c", "access_token=x").map(str.encode))
def test_any_query_is_read_or_refused(raw: bytes) -> None:
    request = request_of([], query=raw)
    read_or_refused(read_query, request)
    read_or_refused(read_token, request_of([(b"authorization", b"Bearer x")], query=raw))


@FEW
@given(TEXTS | near("/oauth2/token", "/t/acme/.well-known/openid-configuration", "/a%2Fb"))
def test_any_path_has_one_address_of_ours(path: str) -> None:
    request = request_of([], path=f"/{path}")
    assert address_of(request.scope).startswith("https://id.example/")
    assert "\n" not in escaped_path(request.scope) or "\n" in path


@pytest.mark.parametrize("written", WRITTEN)
@FEW
@given(data=st.data())
def test_any_certificate_header_is_one_or_none(written: Any, data: st.DataObject) -> None:
    name = CertificateHeader("client-cert", written)
    value = data.draw(TEXTS | near(*WRITTEN.values()))
    spelling = data.draw(st.sampled_from([b"client-cert", b"client_cert", b"CLIENT-CERT"]))
    request = request_of([(spelling, value.encode()), (b"connection", b"close")])
    take_certificate(request.scope, name, trusted=TRUSTED)
    assert [pair for pair in request.scope["headers"] if b"cert" in pair[0].lower()] == []
    found = certificate_of(request)
    if found is not None and found.thumbprint != MADE.thumbprint:
        # One whose bytes were edited may be another well-formed certificate: that very one then.
        assert value not in WRITTEN.values()
        sent = "".join(unquote(value).split())
        assert base64.b64encode(found.der).decode()[:-4] in sent
        assert found.thumbprint == b64url(hashlib.sha256(found.der).digest())


@pytest.mark.parametrize("written", WRITTEN)
def test_the_good_one_is_read(written: Any) -> None:
    request = request_of([(b"client-cert", WRITTEN[written].encode())])
    take_certificate(request.scope, CertificateHeader("client-cert", written), trusted=TRUSTED)
    found = certificate_of(request)
    assert found is not None
    assert found.thumbprint == MADE.thumbprint


@FEW
@given(TEXTS | near("192.0.2.1", "2001:db8::1%eth0", "::ffff:192.0.2.1") | st.sampled_from(PIECES))
def test_any_address_has_a_bucket(address: str) -> None:
    assert address_block(address)
    assert address_block("192.0.2.1") == "192.0.2.1"
