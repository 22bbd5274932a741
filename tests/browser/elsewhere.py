"""Somebody else's origin: where an authorization ends, and where a front end stands."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import override

_PAGE: Final = b'<!doctype html><title>Elsewhere</title><h1 id="elsewhere">Elsewhere</h1>'


class Elsewhere:
    """An origin on loopback; ``/hop`` redirects on to where it is told, all else is a page.

    Args:
        hop_to: An origin that ``/hop`` redirects to, with its query.
    """

    def __init__(self, hop_to: str = "") -> None:
        self.posted: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(hop_to, self.posted))
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@contextlib.contextmanager
def elsewhere(hop_to: str = "") -> Iterator[Elsewhere]:
    """Serve an origin for the length of a block."""
    origin = Elsewhere(hop_to)
    try:
        yield origin
    finally:
        origin.end()


def _answering(hop_to: str, posted: list[dict[str, str]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/hop":
                self.send_response(302)
                self.send_header("Location", f"{hop_to}/landed?{parts.query}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._page()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            posted.append(dict(parse_qsl(body.decode())))
            self._page()

        def _page(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(_PAGE)))
            self.end_headers()
            self.wfile.write(_PAGE)

        @override
        def log_message(self, *_: object) -> None: ...

    return Handler
