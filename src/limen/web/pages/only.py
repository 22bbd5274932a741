"""Pages that are not there where the tenant wants none."""

from __future__ import annotations

from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.web.state import Guard, serves_pages


class PagesOnly:
    """A guard before another: without pages there is nothing, whoever asks.

    Args:
        guard: Asked where pages are served.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    @property
    def permission(self) -> str:
        """What the guard behind asks for."""
        return self._guard.permission

    @property
    def reason(self) -> str:
        """Why anyone may come in, if anyone may."""
        return str(getattr(self._guard, "reason", ""))

    async def __call__(self, request: Request, work: Work, /) -> None:
        """Refuse with ``pages_off``, or ask the guard behind."""
        if not serves_pages(request):
            raise NotFound("pages_off", "This service has no pages; it answers over its JSON API.")
        await self._guard(request, work)
