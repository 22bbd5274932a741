"""One document at an https address on loopback, for servers that fetch it."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from typing_extensions import override

from tests.certificates import SERVER, authority, certificate

CA = authority("Documents Authority")


@contextlib.contextmanager
def hosted(folder: Path, path: str, **members: Any) -> Iterator[str]:
    """Serve a client ID metadata document; yield its URL, which is the ``client_id``."""
    told: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told).encode()
            self.send_response(200 if self.path == path else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = _context(folder).wrap_socket(server.socket, server_side=True)
        told.update(client_id=f"https://127.0.0.1:{server.server_port}{path}", **members)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield told["client_id"]
        finally:
            server.shutdown()
            thread.join()


def _context(folder: Path) -> ssl.SSLContext:
    made = certificate(CA, sans=(x509.IPAddress(ipaddress.ip_address("127.0.0.1")),), usage=SERVER)
    file = folder / "host.pem"
    file.write_bytes(made.pem + made.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
