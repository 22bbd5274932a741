"""N237: a server that is kept waiting, and one that is sent connections without end."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
from collections.abc import Iterator

import pytest

from limen.cli.serving.peers import peer_of
from tests.patience import until_now
from tests.servers import Server

_LONG = 30.0
"""No test takes so long: it ends one that would wait for ever."""

_PLACES = 8
_HEAD = b"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    quick = {
        "LIMEN_WEB_HEADER_SECONDS": "1",
        "LIMEN_WEB_REQUEST_SECONDS": "2",
        "LIMEN_WEB_IDLE_SECONDS": "1",
        "LIMEN_WEB_CONNECTIONS_PER_PEER": str(_PLACES),
    }
    running = Server(tmp_path_factory.mktemp("slow"), settings=quick)
    running.start()
    yield running
    running.stop()


def _connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=_LONG)


def _is_answered(server: Server) -> bool:
    asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_LONG)
    try:
        asking.request("GET", "/.well-known/openid-configuration")
        return asking.getresponse().status == 200
    except (ConnectionError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def _ends(connection: socket.socket) -> bool:
    """Wait until the server hangs up."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        _HEAD,
        _HEAD + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\ngr",
        _HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\ngra\r\n",
    ],
    ids=["nothing", "no request", "half a head", "half a body", "a chunk"],
)
def test_n237_who_does_not_go_on_is_hung_up_on(server: Server, sent: bytes) -> None:
    with _connect(server) as slow:
        slow.sendall(sent)
        assert _is_answered(server)
        assert _ends(slow)


def test_n237_a_second_request_on_a_connection_is_not_waited_for_either(server: Server) -> None:
    with _connect(server) as kept:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        kept.sendall(b"GET /healthz HT")
        assert _ends(kept)


def test_n237_who_asks_nothing_more_is_hung_up_on(server: Server) -> None:
    with _connect(server) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        assert _ends(idle)


_CHUNKED = (
    _HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
)


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        (b"GET /", b"HTTP/1.1 431"),
        (_HEAD + b"X: ", b"HTTP/1.1 431"),
        (_CHUNKED + b"1;x=", b""),
        (_CHUNKED + b"0\r\nX: ", b""),
    ],
    ids=["address", "header", "extension of a chunk", "trailer"],
)
def test_n237_a_head_without_end_is_not_kept(server: Server, begun: bytes, told: bytes) -> None:
    with _connect(server) as endless:
        sent, answer = begun, b""
        with contextlib.suppress(ConnectionError):
            for _ in range(64):  # 8 MB, where the last of them finds nobody who listens
                endless.sendall(sent)
                sent = b"a" * 128 * 1024
            raise AssertionError("it was all taken")
        with contextlib.suppress(ConnectionError):
            answer = endless.recv(65536)
        assert answer.startswith(told) or not answer


@pytest.mark.parametrize("begun", [b"GET /", _HEAD + b"X: "], ids=["address", "header"])
def test_n237_whoever_stops_there_is_told_that_it_was_too_much(
    server: Server, begun: bytes
) -> None:
    with _connect(server) as long:
        # The limit lies within the last piece, which is read whole: nothing is left unread that
        # would have the answer thrown away with the connection.
        long.sendall(begun + b"a" * (64 * 1024 - len(begun) - 100))
        long.sendall(b"a" * 200)
        assert long.recv(65536).startswith(b"HTTP/1.1 431")
        assert _ends(long)


def test_a_head_as_browsers_send_it_is_read(server: Server) -> None:
    with _connect(server) as usual:
        usual.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nCookie: ")
        usual.sendall(b"a" * 30_000 + b"\r\n\r\n")
        assert usual.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_who_asks_nothing_more_gets_the_answer_that_is_ready(server: Server, method: bytes) -> None:
    for _ in range(10):
        with _connect(server) as last:
            last.sendall(method + b" /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            last.shutdown(socket.SHUT_WR)
            assert last.recv(65536).startswith(b"HTTP/1.1 200")
            assert _ends(last)


def test_n237_who_reads_no_answer_is_hung_up_on(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(_PLACES):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", server.port))
            deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        assert not _is_answered(server)
        assert until_now(lambda: _is_answered(server))


def test_n237_one_peer_has_so_many_connections_and_no_more(server: Server) -> None:
    with _connect(server) as first:
        others = [_connect(server) for _ in range(_PLACES + 20)]
        try:
            first.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert first.recv(65536).startswith(b"HTTP/1.1 200")
            assert _ends(others[-1])
        finally:
            for each in others:
                each.close()
    # Those that ended gave their places back.
    assert until_now(lambda: _is_answered(server))


@pytest.mark.parametrize(
    ("address", "counted_for"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("10.0.0.9", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
    ids=["v4", "proxy", "v6", "mapped", "scoped", "unix socket"],
)
def test_n237_whom_a_connection_counts_for(address: str, counted_for: str) -> None:
    assert peer_of(address, (ipaddress.ip_network("10.0.0.0/8"),)) == counted_for
