import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from limen.kernel import slow_step
from limen.kernel.errors import ConfigurationError, InvalidInput, NetRefused, ProviderUnavailable
from limen.net import Net
from limen.net.stream import Bounds, stream
from limen.settings.sections import NetSettings
from tests.unit.net.servers import Names, answer, certificate, listening

pytestmark = pytest.mark.anyio

LOOPBACK = ("127.0.0.0/8",)


@asynccontextmanager
async def client(resolver: Names | None = None, **settings: Any) -> AsyncIterator[Net]:
    net = Net(NetSettings.model_validate(settings), own_hosts=["id.example.com"], resolver=resolver)
    try:
        yield net
    finally:
        await net.close()


async def test_a_call_brings_back_status_headers_and_body() -> None:
    reply = answer(
        b'{"a":1}', headers="Content-Type: Application/JSON; x=y\r\nX-A: 1\r\nX-A: 2\r\n"
    )
    async with listening(reply) as server, client(allow=LOOPBACK) as net:
        got = await net.fetch("POST", f"{server.url}/t?q=1", headers={"X-B": "3"}, body=b"hello")
    assert (got.status, got.content_type, got.headers["x-a"]) == (200, "application/json", "1, 2")
    assert got.json_object() == {"a": 1}
    assert "hello" not in repr(got)
    sent = server.requests[0]
    assert sent.startswith(b"POST /t?q=1 HTTP/1.1\r\n")
    assert sent.endswith(b"hello")
    assert b"X-B: 3" in sent
    assert b"accept-encoding: identity" in sent.lower()


async def test_an_error_status_is_an_answer() -> None:
    async with listening(answer(b"no", status="503 Busy")) as server, client(allow=LOOPBACK) as net:
        assert (await net.fetch("GET", server.url)).status == 503


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://2130706433:{port}/",
        "https://0x7f.1:{port}/",
        "https://127.1:{port}/",
        "https://inner.example.org:{port}/",
        "https://mapped.example.org:{port}/",
        "https://nat64.example.org:{port}/",
        "https://id.example.com:{port}/",
    ],
)
async def test_n213_a_refused_address_gets_no_packet(url: str) -> None:
    names = Names(
        inner_example_org=[["127.0.0.1"]],
        mapped_example_org=[["::ffff:127.0.0.1"]],
        nat64_example_org=[["64:ff9b::7f00:1"]],
        id_example_com=[["127.0.0.1"]],
    )
    async with listening() as server, client(names) as net:
        with pytest.raises(NetRefused) as caught:
            await net.fetch("GET", url.format(port=server.port))
        assert not caught.value.sent
        assert server.connections == 0


async def test_n213_the_systems_resolver_is_not_believed_either() -> None:
    """Spellings the system would resolve are refused by URL; `localhost` by name and address."""
    async with listening() as server, client() as net:
        with pytest.raises(NetRefused):
            await net.fetch("GET", f"https://localhost:{server.port}/")
        assert server.connections == 0


async def test_n214_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with listening() as inner:
        headers = f"Location: {inner.url}/inner\r\n"
        async with (
            listening(answer(b"", status="302 Found", headers=headers)) as outer,
            client(allow=(f"http://127.0.0.1:{outer.port}",)) as net,
        ):
            got = await net.fetch("GET", outer.url)
        assert (got.status, inner.connections, outer.connections) == (302, 0, 1)


async def test_n215_a_name_that_is_bound_anew_after_the_check_is_refused() -> None:
    names = Names(rebind_example_org=[["93.184.216.34"], ["127.0.0.1"]])
    async with listening() as server, client(names) as net:
        url = f"https://rebind.example.org:{server.port}/"
        await net.check_target(url)
        with pytest.raises(NetRefused):
            await net.fetch("GET", url)
        assert server.connections == 0
        assert names.asked == ["rebind.example.org"] * 2


async def test_n215_the_address_checked_is_the_address_dialled() -> None:
    names = Names(once_test=[["127.0.0.1"], ["10.0.0.1"]])
    async with listening() as server, client(names, allow=("http://127.0.0.0/8",)) as net:
        assert (await net.fetch("GET", f"http://once.test:{server.port}/")).status == 200
        assert names.asked == ["once.test"]


async def test_n215_of_mixed_records_only_the_allowed_one_is_dialled() -> None:
    names = Names(mixed_test=[["10.0.0.1", "169.254.169.254", "127.0.0.1"]])
    async with listening() as server, client(names, allow=("http://127.0.0.0/8",)) as net:
        assert (await net.fetch("GET", f"http://mixed.test:{server.port}/")).status == 200
        assert server.connections == 1


async def test_n213_a_name_that_resolves_inside_is_refused_when_saved() -> None:
    names = Names(inner_example_org=[["93.184.216.34", "192.168.0.1"]])
    async with client(names) as net:
        with pytest.raises(InvalidInput) as caught:
            await net.check_target("https://inner.example.org/", field="jwks_uri")
        assert caught.value.field == "jwks_uri"
        await net.check_target("https://unknown.example.org/")


async def test_a_body_is_read_to_its_bound_and_no_further() -> None:
    async with client(allow=LOOPBACK) as net, listening(answer(b"x" * 5000)) as server:
        assert len((await net.fetch("GET", server.url, max_bytes=5000)).body) == 5000
        with pytest.raises(ProviderUnavailable) as caught:
            await net.fetch("GET", server.url, max_bytes=4999)
        assert (caught.value.code, caught.value.sent) == ("provider_answer_too_large", True)


async def test_a_body_without_a_length_and_without_an_end_is_cut() -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with listening(flood) as server, client(allow=LOOPBACK) as net:
        with pytest.raises(ProviderUnavailable) as caught:
            await net.fetch("GET", server.url, max_bytes=100_000)
        assert caught.value.code == "provider_answer_too_large"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
async def test_a_compressed_body_is_not_unpacked(encoding: str) -> None:
    reply = answer(b"\x1f\x8b", headers=f"Content-Encoding: {encoding}\r\n")
    async with listening(reply) as server, client(allow=LOOPBACK) as net:
        with pytest.raises(ProviderUnavailable, match="provider_unreadable"):
            await net.fetch("GET", server.url)


async def test_nor_one_that_says_it_is_plain_first() -> None:
    headers = "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n"
    async with (
        listening(answer(b"\x1f\x8b", headers=headers)) as server,
        client(allow=LOOPBACK) as net,
    ):
        with pytest.raises(ProviderUnavailable, match="provider_unreadable"):
            await net.fetch("GET", server.url)
        with pytest.raises(ProviderUnavailable, match="provider_unreadable"):
            async with stream(
                net, "GET", server.url, headers={}, body=None, bounds=Bounds()
            ) as streaming:
                raise AssertionError(streaming.status)


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>502</title>",
        b"",
        b"[]",
        b"null",
        b'{"a": NaN}',
        b"\xff",
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 100_000,
        b'{"a":' * 60_000,
    ],
)
async def test_what_is_not_a_json_object_is_a_typed_failure(body: bytes) -> None:
    async with listening(answer(body)) as server, client(allow=LOOPBACK) as net:
        got = await net.fetch("GET", server.url)
        with pytest.raises(ProviderUnavailable) as caught:
            got.json_object()
        assert (caught.value.code, caught.value.sent) == ("provider_unreadable", True)
        assert "doctype" not in caught.value.detail


async def test_a_slow_answer_meets_the_deadline_after_it_was_sent() -> None:
    async def never(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(never) as server, client(allow=LOOPBACK) as net:
        with pytest.raises(ProviderUnavailable) as caught:
            await net.fetch("POST", server.url, body=b"refresh", deadline_seconds=1.0)
        assert (caught.value.code, caught.value.sent) == ("provider_timeout", True)
        assert server.requests[0].endswith(b"refresh")


async def test_a_body_that_drips_meets_the_deadline_as_a_whole() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await writer.drain()
        await reader.read()

    async with listening(drip) as server, client(allow=LOOPBACK) as net:
        with pytest.raises(ProviderUnavailable, match="provider_timeout"):
            await net.fetch("GET", server.url, deadline_seconds=1.0)


async def test_a_closed_port_fails_before_anything_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with client(allow=LOOPBACK) as net:
            with pytest.raises(ProviderUnavailable) as caught:
                await net.fetch("POST", f"http://127.0.0.1:{port}/secret-path?code=c", body=b"x")
    assert (caught.value.code, caught.value.sent) == ("provider_unreachable", False)
    assert "secret-path" not in caught.value.detail


async def test_an_unknown_name_fails_before_anything_was_sent() -> None:
    async with client(Names()) as net:
        with pytest.raises(ProviderUnavailable) as caught:
            await net.fetch("GET", "https://nowhere.example.org/")
    assert (caught.value.code, caught.value.sent) == ("provider_unreachable", False)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_connection_that_dies_after_the_request_is_not_tried_again(method: str) -> None:
    async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(slam) as server, client(allow=LOOPBACK) as net:
        with pytest.raises(ProviderUnavailable) as caught:
            await net.fetch(method, server.url)
        assert (caught.value.code, caught.value.sent) == ("provider_unavailable", True)
        assert len(server.requests) == 1


async def test_a_kept_connection_that_dies_is_not_tried_again() -> None:
    replies = [answer(), b""]

    async def once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = replies.pop(0)
        if reply:
            writer.write(reply)
        else:
            writer.close()

    async with listening(once) as server, client(allow=LOOPBACK) as net:
        await net.fetch("GET", server.url)
        with pytest.raises(ProviderUnavailable):
            await net.fetch("GET", server.url)
        assert (server.connections, len(server.requests)) == (1, 2)


async def test_a_certificate_is_checked_and_the_extra_bundle_is_trusted(tmp_path: Path) -> None:
    tls, bundle = certificate(tmp_path, "idp.test")
    names = Names(idp_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
    async with listening(tls=tls) as server:
        good = f"https://idp.test:{server.port}/"
        async with client(names, allow=LOOPBACK) as net:
            with pytest.raises(ProviderUnavailable) as caught:
                await net.fetch("GET", good)
            assert not caught.value.sent
        async with client(names, allow=LOOPBACK, ca_bundle=bundle) as net:
            assert (await net.fetch("GET", good)).status == 200
            with pytest.raises(ProviderUnavailable):
                await net.fetch("GET", f"https://other.test:{server.port}/")
    assert len(server.requests) == 1


def test_a_bundle_that_is_none_stops_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    for there in (False, True):
        if there:
            broken.write_text("not a certificate")
        with pytest.raises(ConfigurationError, match="is not a readable PEM bundle"):
            Net(NetSettings(ca_bundle=broken)).check_authorities()


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as proxy, listening() as server, client(allow=LOOPBACK) as net:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await net.fetch("GET", server.url)
        assert (proxy.connections, server.connections) == (0, 1)


async def test_cookies_are_not_kept() -> None:
    reply = answer(headers="Set-Cookie: a=1\r\n")
    async with listening(reply) as server, client(allow=LOOPBACK) as net:
        await net.fetch("GET", server.url)
        await net.fetch("GET", server.url)
        assert b"cookie" not in server.requests[1].lower()


async def test_no_call_begins_inside_a_transaction() -> None:
    async with listening() as server, client(allow=LOOPBACK) as net:
        dirty = True
        mark = slow_step.forbid_while(lambda: dirty)
        with pytest.raises(slow_step.SlowStepInTransactionError, match="outbound call"):
            await net.fetch("GET", server.url)
        with pytest.raises(slow_step.SlowStepInTransactionError, match="look-up"):
            await net.check_target("https://example.org/")
        dirty = False
        assert (await net.fetch("GET", server.url)).status == 200
        dirty = True
        slow_step.allow(mark)
        assert (await net.fetch("GET", server.url)).status == 200


async def test_a_cancelled_call_leaves_the_client_usable() -> None:
    reached = asyncio.Event()

    async def never(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()

    async with listening(never) as slow, listening() as quick, client(allow=LOOPBACK) as net:
        task = asyncio.create_task(net.fetch("GET", slow.url))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await net.fetch("GET", quick.url)).status == 200


async def test_a_closed_client_opens_anew() -> None:
    async with listening() as server, client(allow=LOOPBACK) as net:
        await net.fetch("GET", server.url)
        await net.close()
        assert (await net.fetch("GET", server.url)).status == 200
