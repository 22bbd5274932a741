"""Real servers on loopback that answer exactly the bytes a test says."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typing_extensions import override

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Count who connects and keep what they sent."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@asynccontextmanager
async def listening(
    reply: bytes | Handle = b"", *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listener]:
    """Serve on a free port of loopback until the block ends."""
    listener = Listener()
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _converse(listener, reader, writer, reply=reply)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _converse(
    listener: Listener,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    reply: bytes | Handle,
) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        size = int(length[0].partition(b":")[2]) if length else 0
        listener.requests.append(head + await reader.readexactly(size))
        if callable(reply):
            await reply(reader, writer)
        else:
            writer.write(reply or answer())
            await writer.drain()


class Names(AbstractResolver):
    """Resolve as told: for each name a list of answers, one list an asking, the last repeated."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(said) for name, said in answers.items()}
        self.asked: list[str] = []

    @override
    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        self.asked.append(host)
        said = self.answers.get(host)
        if said is None:
            raise OSError("no such host")
        addresses = said.pop(0) if len(said) > 1 else said[0]
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": 10 if ":" in address else 2,
                "proto": 6,
                "flags": 0,
            }
            for address in addresses
        ]

    @override
    async def close(self) -> None:
        return None


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """Make a self-signed certificate; return the server's context and the bundle to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "limen test")])
    now = dt.datetime.now(dt.timezone.utc)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    bundle, private = folder / "cert.pem", folder / "key.pem"
    bundle.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, private)
    return context, bundle
