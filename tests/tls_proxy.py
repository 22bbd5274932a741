"""A proxy that ends TLS, asks for client certificates and passes them on in a header."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from limen.protocol.client_certificate import USUAL_HEADERS, CertificateFormat
from tests.certificates import SERVER, Made, authority, certificate, name_of

ADDRESS = "127.0.0.2"
"""Where its connections come from: another address than the tests' own."""


@dataclass(slots=True)
class TlsProxy:
    """One that stands in front of a Limen.

    Args:
        folder: For keys and certificates.
        written: How it writes the certificate.
        accepts: Authorities, and certificates that signed themselves, that the handshake
            accepts. Python's TLS can't accept just any, as nginx's `optional_no_ca` does.
    """

    folder: Path
    written: CertificateFormat
    accepts: list[Made] = field(default_factory=list)
    port: int = 0
    target: int = 0
    ca: Made = field(default_factory=lambda: authority("Web Authority"))

    @property
    def url(self) -> str:
        """Where clients call it."""
        return f"https://localhost:{self.port}"

    def client_context(self, shown: Made | None) -> ssl.SSLContext:
        """Return a client's side of TLS: it trusts the proxy, and shows a certificate."""
        context = ssl.create_default_context(cadata=self.ca.pem.decode())
        if shown is not None:
            context.load_cert_chain(*self._files(shown))
        return context

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take connections; `target` is set once the server behind is up."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context())
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    def _context(self) -> ssl.SSLContext:
        named = certificate(
            self.ca, name=name_of(cn="localhost"), sans=(x509.DNSName("localhost"),), usage=SERVER
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._files(named))
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        for each in self.accepts:
            context.load_verify_locations(cadata=each.pem.decode())
        return context

    def _files(self, made: Made) -> tuple[Path, Path]:
        shown = self.folder / f"{made.certificate.serial_number}.pem"
        key = shown.with_suffix(".key")
        shown.write_bytes(made.pem)
        key.write_bytes(made.key_pem)
        return shown, key

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request on, with the header; the connection ends with the answer."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            tls = writer.get_extra_info("ssl_object")
            behind, forward = await asyncio.open_connection(
                "127.0.0.1", self.target, local_addr=(ADDRESS, 0)
            )
            forward.write(self._rewritten(head, tls.getpeercert(binary_form=True)))
            forward.write(await reader.readexactly(_length(head)))
            writer.write(await behind.read())
            await writer.drain()
            forward.close()
        writer.close()

    def _rewritten(self, head: bytes, der: bytes | None) -> bytes:
        """Drop the header a client sends by its own name, as proxies do, and write ours."""
        name = USUAL_HEADERS[self.written]
        lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        kept = [line for line in lines if not _is(line, name) and not _is(line, "connection")]
        if der is not None:
            seen = Made(x509.load_der_x509_certificate(der), self.ca.key)
            kept.append(f"{name}: {_WRITERS[self.written](seen)}".encode())
        return b"\r\n".join([*kept, b"connection: close", b"", b""])


def _is(line: bytes, name: str) -> bool:
    return line.partition(b":")[0].strip().lower() == name.encode()


def _length(head: bytes) -> int:
    lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lines[0].partition(b":")[2]) if lines else 0


_WRITERS: dict[CertificateFormat, Callable[[Made], str]] = {
    "rfc9440": lambda made: made.rfc9440,
    "escaped-pem": lambda made: made.escaped_pem,
    "xfcc": lambda made: made.xfcc,
}
