from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.db.work import Work
from limen.protocol.client_certificate import CertificateHeader
from limen.web.exchange import PUBLIC, route
from limen.web.peer.client_certificate import (
    certificate_binding,
    certificate_thumbprint,
    reads_binding,
)
from limen.web.peer.client_ip import networks
from tests.certificates import certificate
from tests.unit.web.conftest import Serve

pytestmark = pytest.mark.anyio

MADE = certificate()
OTHER = certificate()
PROXY = "10.1.2.3"
HEADER = CertificateHeader("client-cert", "rfc9440")

Headers = list[tuple[str, str]]


async def tell(request: Request, work: Work) -> Response:
    names = [name for name, _ in request.headers.items() if "cert" in name]
    return JSONResponse({"seen": certificate_thumbprint(request), "left": names})


TELL = route("/tell", tell, guard=PUBLIC, face="json")


async def told(
    serve: Serve, headers: Headers, *, peer: str = PROXY, header: CertificateHeader | None = HEADER
) -> dict[str, object]:
    answer = await serve(TELL, peer=peer, certificate_header=header).get("/tell", headers=headers)
    return dict(answer.json())


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (CertificateHeader("client-cert", "rfc9440"), MADE.rfc9440),
        (CertificateHeader("x-ssl-client-cert", "escaped-pem"), MADE.escaped_pem),
        (CertificateHeader("x-forwarded-client-cert", "xfcc"), MADE.xfcc),
    ],
)
async def test_a_trusted_proxy_is_believed(
    serve: Serve, header: CertificateHeader, value: str
) -> None:
    for name in (header.name, header.name.upper(), header.name.title()):
        said = await told(serve, [(name, value)], header=header)
        assert said == {"seen": MADE.thumbprint, "left": []}


@pytest.mark.parametrize("peer", ["192.0.2.7", "11.0.0.1", "::1", "fe80::1", "unix"])
@pytest.mark.parametrize("name", ["client-cert", "Client_Cert", "CLIENT-CERT"])
async def test_n222_anybody_else_is_not(serve: Serve, peer: str, name: str) -> None:
    said = await told(serve, [(name, MADE.rfc9440)], peer=peer)
    assert said == {"seen": None, "left": []}


@pytest.mark.parametrize(
    "headers",
    [
        [("client_cert", MADE.rfc9440)],
        [("Client_Cert", MADE.rfc9440)],
        [("client-cert", MADE.rfc9440), ("client-cert", MADE.rfc9440)],
        [("client-cert", MADE.rfc9440), ("client_cert", OTHER.rfc9440)],
        [("client_cert", OTHER.rfc9440), ("client-cert", MADE.rfc9440)],
        [("client-cert", MADE.rfc9440), ("connection", "close, Client-Cert")],
        [("client-cert", MADE.rfc9440), ("connection", "client_cert")],
        [("client-cert", f"{MADE.rfc9440}, {OTHER.rfc9440}")],
        [("client-cert", "")],
        [("client-cert", "rubbish")],
    ],
)
async def test_n221_a_header_in_another_spelling_leaves_no_certificate(
    serve: Serve, headers: Headers
) -> None:
    assert await told(serve, headers) == {"seen": None, "left": []}


async def test_without_the_setting_nobody_is_believed(serve: Serve) -> None:
    said = await told(serve, [("client-cert", MADE.rfc9440)], header=None)
    assert said["seen"] is None


def hosts_request(peer: str, *headers: tuple[bytes, bytes]) -> Request:
    return Request(
        {"type": "http", "method": "GET", "path": "/", "client": (peer, 1), "headers": [*headers]}
    )


async def test_a_host_application_reads_it_alike() -> None:
    read = reads_binding(HEADER, trusted=networks(["10.0.0.0/8"]))
    pair = (b"client-cert", MADE.rfc9440.encode())
    assert read(hosts_request(PROXY, pair)) == {f"x5t#S256:{MADE.thumbprint}"}
    assert read(hosts_request("192.0.2.7", pair)) == frozenset()
    assert read(hosts_request(PROXY, pair, pair)) == frozenset()
    request = hosts_request(PROXY, pair)
    read(request)
    assert request.scope["headers"] == [pair], "the host's own request is left alone"
    assert reads_binding(None, trusted=networks(["10.0.0.0/8"]))(request) == frozenset()


async def test_a_request_that_never_passed_the_edge_has_none() -> None:
    request = hosts_request(PROXY, (b"client-cert", MADE.rfc9440.encode()))
    request.scope["state"] = {}
    assert certificate_binding(request) == frozenset()
