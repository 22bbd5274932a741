"""One address with two faces: pages for people, JSON for front ends."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from limen.web.exchange import Exchange, Guard
from limen.web.state import serves_pages

_JSON: Final = "application/json"


class ByAccept:
    """A Starlette endpoint that answers as the caller's ``Accept`` says.

    Args:
        page: For browsers, and whoever does not say.
        json: For who asks for JSON; for everyone where the pages are turned off.
    """

    __slots__ = ("__name__", "json", "page")

    def __init__(self, *, page: Exchange, json: Exchange) -> None:
        self.page = page
        self.json = json
        self.__name__ = page.__name__

    @property
    def guard(self) -> Guard:
        """Who may; the same for both faces."""
        return self.page.guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        face = self.json if wants_json(Request(scope)) else self.page
        await face(scope, receive, send)


def wants_json(request: Request) -> bool:
    """Say whether JSON is the answer: asked for, or all there is."""
    accept = request.headers.get("accept", "")
    return (_JSON in accept and "text/html" not in accept) or not serves_pages(request)
