"""Who may see the developer's pages."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.errors import NotFound

_OWN: Final = ("same-origin", "none")


class DevelopmentOnly:
    """Let in who asks the configured host from its own pages.

    The mailbox holds links that sign people in, the clock ends sessions. A name that resolves
    to loopback (DNS rebinding) or a page of another site must not reach them, so the host is
    compared whole and a cross-site request is refused.

    Args:
        base_url: The configured address.
    """

    permission = "public"

    def __init__(self, base_url: str) -> None:
        self._host = urlsplit(base_url).netloc.lower()

    async def __call__(self, request: Request, _work: Work, /) -> None:
        """Refuse as if there were no such page."""
        sender = request.headers.get("sec-fetch-site")
        hosts = [host.lower() for host in request.headers.getlist("host")]
        if hosts != [self._host] or (sender is not None and sender not in _OWN):
            raise NotFound
