"""Calls over HTTP, with aiohttp; it is imported at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.client.origin import origin_of
from limen.client.refusals import Unauthorized, Unreachable
from limen.client.transport import Answer, Call

if TYPE_CHECKING:
    import aiohttp

_MAX_BYTES: Final = 32 * 1024 * 1024
_SECONDS: Final = 30.0
_KEPT_SECONDS: Final = 3.0
"""Below what a host's server keeps (uvicorn 5 s): a call must not meet a closing connection."""


class OverHttp:
    """A server somewhere else.

    Args:
        url: The tenant's issuer: ``https``, or anything on loopback.
        session: The host's own, which it closes itself.

    Raises:
        ValueError: Secrets would be sent in the clear.
    """

    def __init__(self, url: str, *, session: aiohttp.ClientSession | None = None) -> None:
        origin_of(url)
        self.issuer = url.rstrip("/")
        self._session = session
        self._is_own = session is None

    async def send(self, call: Call) -> Answer:
        """Send a call; a redirect is an answer, and never followed with our credentials."""
        import aiohttp  # noqa: PLC0415 -- a fifth of a second that only calls over HTTP need
        from yarl import URL  # noqa: PLC0415 -- as aiohttp

        if call.actor is not None:
            raise Unauthorized("unauthorized", "Who asks the host is known in process alone.")
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_SECONDS)
            jar = aiohttp.DummyCookieJar()
            kept = aiohttp.TCPConnector(keepalive_timeout=_KEPT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=jar, connector=kept)
        try:
            async with self._session.request(
                call.method,
                URL(self.issuer + call.path, encoded=True),
                headers=dict(call.headers),
                data=call.body,
                allow_redirects=False,
            ) as answer:
                body = await answer.content.read(_MAX_BYTES + 1)
                while chunk := await answer.content.read(_MAX_BYTES + 1 - len(body)):
                    body += chunk
                headers = {name.lower(): value for name, value in answer.headers.items()}
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            kind = type(error).__name__
            raise Unreachable("unreachable", f"{self.issuer} does not answer ({kind}).") from None
        if len(body) > _MAX_BYTES:
            raise Unreachable("answer_too_large", "The answer is larger than is read.")
        return Answer(status=status, headers=headers, body=body)

    async def close(self) -> None:
        """Close what was opened here."""
        if self._is_own and self._session is not None:
            await self._session.close()
            self._session = None
