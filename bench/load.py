"""A load generator: so many kept-alive connections, each with one request under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from bench.cpu import cpu_seconds, give_core

Requests = Generator[bytes, bytes, None]
"""Yields the next request; is sent the body of the last answer."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run gave.

    Args:
        requests: Answered as expected.
        seconds: Wall time.
        cpu_us: Microseconds of the server's CPU a request.
    """

    requests: int
    seconds: float
    cpu_us: float

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


class Unexpected(Exception):  # noqa: N818 -- an answer, not a fault of ours
    """The server answered with something else than it should."""


def request(
    method: str, path: str, *, port: int, headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return the bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{port}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
        lines.append("Content-Type: application/x-www-form-urlencoded")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def measure(
    port: int,
    pid: int,
    *,
    requests_of: Callable[[int], Requests],
    seconds: float,
    connections: int = 16,
    expected: int = 200,
) -> Measured:
    """Send requests for a while and measure what the server used.

    Args:
        port: On loopback.
        pid: The server's process; its children count.
        requests_of: Makes the requests of one connection, by its number; the run ends early
            when they do.
        seconds: How long.
        connections: At once.
        expected: The status every answer must have.
    """
    give_core(pid)
    until = time.perf_counter() + seconds
    cpu, began = cpu_seconds(pid), time.perf_counter()
    done = await asyncio.gather(
        *(
            _drive(port, requests_of(number), until=until, expected=expected)
            for number in range(connections)
        )
    )
    took = time.perf_counter() - began
    total = sum(done)
    return Measured(total, took, (cpu_seconds(pid) - cpu) / max(total, 1) * 1e6)


async def _drive(port: int, requests: Requests, *, until: float, expected: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    try:
        raw = next(requests)
        while time.perf_counter() < until:
            writer.write(raw)
            status, body = await read_answer(reader)
            if status != expected:
                raise Unexpected(f"{status}: {body[:300]!r} to {raw[:200]!r}")
            count += 1
            raw = requests.send(body)
    except StopIteration:
        return count
    finally:
        writer.close()
        await writer.wait_closed()
    return count


def repeat(raw: bytes) -> Requests:
    """Send the same request for ever."""
    while True:
        yield raw


def each(raws: list[bytes]) -> Requests:
    """Send each of these once."""
    for raw in raws:  # noqa: UP028 -- a list can't be sent the answers
        yield raw


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one answer; its length must be told."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        if name.lower() == b"transfer-encoding":
            return status, await _read_chunks(reader)
    return status, await reader.readexactly(length)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if not size:
            return body
