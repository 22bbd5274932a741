"""Send one request and read its answer while it comes: for what is handed on, not looked at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.kernel import slow_step
from limen.net.client import Net, failed, is_encoded
from limen.net.doors import read_way

if TYPE_CHECKING:
    import aiohttp

    from limen.net.session import Call

_CHUNK_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True, repr=False)
class Streaming:
    """An answer under way.

    Args:
        headers: As they came, lower-case names.
        chunks: The body; ends, or raises ``ProviderUnavailable``.
    """

    status: int
    headers: list[tuple[str, str]]
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long and how much.

    Args:
        silence_seconds: How long the other side may say nothing.
        max_bytes: Of the answer.
    """

    silence_seconds: float = 30.0
    max_bytes: int = 64 * 1024 * 1024


@contextlib.asynccontextmanager
async def stream(
    net: Net,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | AsyncIterator[bytes] | None,
    bounds: Bounds,
) -> AsyncIterator[Streaming]:
    """Send one request; no redirects, no retries, as ``Net.fetch``.

    Args:
        net: The one way out.
        method: HTTP verb.
        url: Absolute.
        headers: Of the request.
        body: Whole, or as it comes.
        bounds: Of the answer.

    Yields:
        The answer, once its headers are there.

    Raises:
        NetRefused: The URL or its address is not one we call; nothing was sent.
        ProviderUnavailable: As ``Net.fetch``, also while the body is read.
    """
    import aiohttp  # noqa: PLC0415 -- costs 0.4 s of start

    from limen.net.session import CALL, Call  # noqa: PLC0415 -- as above

    slow_step.entering("outbound call")
    way = read_way(url)
    net.check_way(way)
    call = Call(way)
    token = CALL.set(call)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=bounds.silence_seconds)
    try:
        async with contextlib.AsyncExitStack() as held:
            async with asyncio.timeout(bounds.silence_seconds):
                await held.enter_async_context(net.place(way))
            response = await held.enter_async_context(
                net.session().request(
                    method,
                    way.url,
                    headers=dict(headers),
                    data=body,
                    allow_redirects=False,
                    timeout=timeout,
                    trace_request_ctx=call,
                )
            )
            if is_encoded(response):
                raise failed("provider_unreadable", call, "encoded body")
            told = [(name.lower(), value) for name, value in response.headers.items()]
            yield Streaming(response.status, told, _bounded(response, call, bounds))
    except (aiohttp.ClientError, OSError) as error:
        if call.refused is not None and not call.sent:
            raise call.refused from None
        code = "provider_timeout" if isinstance(error, TimeoutError) else "provider_unavailable"
        raise failed(code, call, type(error).__name__) from None
    finally:
        CALL.reset(token)


async def _bounded(
    response: aiohttp.ClientResponse, call: Call, bounds: Bounds
) -> AsyncIterator[bytes]:
    read = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        read += len(chunk)
        if read > bounds.max_bytes:
            raise failed("provider_answer_too_large", call, f"over {bounds.max_bytes} bytes")
        yield chunk
