"""The one outbound client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

from yarl import URL

from limen.kernel import slow_step
from limen.kernel.errors import InvalidInput, NetRefused, ProviderUnavailable
from limen.kernel.shares import Holder
from limen.kernel.site import whose_turn
from limen.net.addresses import read_address
from limen.net.answer import Answer
from limen.net.authorities import check_bundle
from limen.net.doors import Doors, Way, read_way
from limen.net.look_up import LookUps
from limen.net.places import PLACES, Places
from limen.settings.sections import NetSettings

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver

    from limen.net.session import Call

_CHUNK_BYTES: Final = 16_384


class Net:
    """Call others, carefully.

    Args:
        settings: The allow-list, the extra authorities, the default deadline and bound.
        own_hosts: Our own host names, which are never called.
        resolver: In place of the system's; for tests.
    """

    def __init__(
        self,
        settings: NetSettings,
        *,
        own_hosts: Iterable[str] = (),
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._settings = settings
        self._doors = Doors(settings.allow, own_hosts=own_hosts)
        self._resolver = resolver
        self._look_ups = LookUps()
        self._places = Places(PLACES)
        self._session: aiohttp.ClientSession | None = None

    def check_authorities(self) -> None:
        """Refuse at the start what the first call would stumble over.

        Raises:
            ConfigurationError: The extra authorities can't be read.
        """
        if self._settings.ca_bundle is not None:
            check_bundle(self._settings.ca_bundle)

    def check_url(self, url: str, *, field: str = "") -> None:
        """Refuse with ``InvalidInput`` (422) a URL that could never be called; no look-up."""
        self._doors.check_url(url, field=field)

    async def check_target(self, url: str, *, field: str = "") -> None:
        """Refuse as ``check_url`` does, and also what its name resolves to at this moment.

        A name that does not resolve now is accepted: whether it may be called is decided, each
        time, when it is. Nothing is sent to the host.
        """
        self.check_url(url, field=field)
        slow_step.entering("look-up")
        way = read_way(url)
        for host in await self._look_up(way):
            address = read_address(host.partition("%")[0])
            try:
                if address is not None:
                    self._doors.check_address(address, way)
            except NetRefused as refused:
                raise InvalidInput(
                    "url_not_allowed", refused.public, detail=refused.detail, field=field
                ) from None

    async def _look_up(self, way: Way) -> list[str]:
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                if self._resolver is not None:
                    found = await self._resolver.resolve(way.host, way.port, socket.AF_UNSPEC)
                    return [each["host"] for each in found]
                answers = await self._look_ups.getaddrinfo(
                    way.host, way.port, type=socket.SOCK_STREAM
                )
                return [str(answer[4][0]) for answer in answers]
        except (OSError, TimeoutError, UnicodeError):
            return []

    def check_way(self, way: Way) -> None:
        """Refuse by scheme, host name and literal address, before anything is looked up.

        Raises:
            NetRefused: With the reason as its detail.
        """
        self._doors.check_way(way)

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status; redirects too.

        Never called inside an open transaction, never retried.

        Raises:
            NetRefused: If the URL or its address is not one we call; nothing was sent.
            ProviderUnavailable: ``provider_unreachable`` if nothing was sent; otherwise, with
                ``sent`` true, ``provider_unavailable``, ``provider_timeout``,
                ``provider_answer_too_large`` or ``provider_unreadable``.
        """
        from limen.net.session import CALL, Call  # noqa: PLC0415 -- aiohttp costs 0.4 s of start

        slow_step.entering("outbound call")
        way = read_way(url)
        self._doors.check_way(way)
        call = Call(way)
        token = CALL.set(call)
        deadline = deadline_seconds or self._settings.deadline_seconds
        try:
            async with asyncio.timeout(deadline), self.place(way):
                return await self._exchange(
                    method,
                    call,
                    headers=headers or {},
                    body=body,
                    max_bytes=max_bytes or self._settings.max_bytes,
                )
        except TimeoutError:
            raise failed("provider_timeout", call, "deadline") from None
        finally:
            CALL.reset(token)

    def place(self, way: Way) -> AbstractAsyncContextManager[None]:
        """Wait for a place among the calls under way; ``fetch`` and ``stream`` alone take one."""
        return self._places.place(Holder(way.host, 1), Holder(f"tenant {whose_turn()}", 2))

    async def _exchange(
        self,
        method: str,
        call: Call,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
    ) -> Answer:
        import aiohttp  # noqa: PLC0415 -- loaded by now; costs 0.4 s of start elsewhere

        try:
            async with self.session().request(
                method,
                call.way.url,
                headers=dict(headers),
                data=body,
                allow_redirects=False,  # N214: a redirect is an answer, not a way
                trace_request_ctx=call,
            ) as response:
                return await _read(response, call, max_bytes=max_bytes)
        except (aiohttp.ClientError, OSError) as error:
            if call.refused is not None and not call.sent:
                raise call.refused from None
            if isinstance(error, TimeoutError):
                raise
            raise failed("provider_unavailable", call, type(error).__name__) from None

    def session(self) -> aiohttp.ClientSession:
        """Return the session that ``fetch`` and ``stream`` send by; nobody else takes it."""
        from limen.net.session import open_session  # noqa: PLC0415 -- as in fetch

        if self._session is None or self._session.closed:
            resolver = self._resolver or self._look_ups
            self._session = open_session(self._settings, self._doors, resolver=resolver)
        return self._session

    async def close(self) -> None:
        """Close what is kept open; a later call opens it anew."""
        await self._look_ups.close()
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _read(response: aiohttp.ClientResponse, call: Call, *, max_bytes: int) -> Answer:
    """Read to the bound and not a byte further; a compressed body would hide its size."""
    if is_encoded(response):
        raise failed("provider_unreadable", call, "encoded body")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise failed("provider_answer_too_large", call, f"over {max_bytes} bytes")
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        low = name.lower()
        headers[low] = f"{headers[low]}, {value}" if low in headers else value
    return Answer(response.status, headers, bytes(body))


def is_encoded(response: aiohttp.ClientResponse) -> bool:
    """Say whether a body is anything but plain, whichever of repeated headers says so."""
    told = response.headers.getall("Content-Encoding", ())
    return any(each.strip().lower() != "identity" for each in told)


def failed(code: str, call: Call, detail: str) -> ProviderUnavailable:
    """Return the refusal of a call that failed.

    It names host and cause for the log; never the path or query, where capabilities travel.
    """
    return ProviderUnavailable(
        code if call.sent else "provider_unreachable",
        "The other service did not answer as it should.",
        detail=f"{_origin(call.way.url)}: {detail}",
        sent=call.sent,
    )


def _origin(url: URL) -> str:
    return f"{url.scheme}://{url.raw_host}:{url.port}"
