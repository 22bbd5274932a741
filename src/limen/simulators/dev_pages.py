"""The developer's pages: what runs here, and the clock that can be moved."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from limen.db.shared_clock import move_clock
from limen.db.work import Work
from limen.kernel.clock import SystemClock
from limen.kernel.errors import InvalidInput, MalformedRequest
from limen.web.development import DevelopmentOnly
from limen.web.exchange import route
from limen.web.forms import read_form
from limen.web.pages import Pages
from limen.web.redirects import page_url, see_other
from limen.web.state import works_of

_MOST_SECONDS: Final = 400 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class DevParts:
    """What the developer's pages need.

    Args:
        pages: Renders.
        clock: The clock they move.
        base_url: The configured address; no other host is answered.
    """

    pages: Pages
    clock: SystemClock
    base_url: str


def pages(parts: DevParts) -> list[BaseRoute]:
    """Return the routes; mounted in development alone."""
    guard = DevelopmentOnly(parts.base_url)

    async def show_index(request: Request, work: Work) -> Response:
        return parts.pages.render(
            request, "simulators/dev.html", now=work.now, offset=str(parts.clock.offset)
        )

    async def read_clock(_request: Request, _work: Work) -> Response:
        return JSONResponse(_told(parts.clock))

    async def set_clock(request: Request, work: Work) -> Response:
        is_form = "urlencoded" in request.headers.get("content-type", "")
        await work.let_go()
        by = await _form_offset(request) if is_form else _json_offset(await request.body())
        await move_clock(works_of(request), parts.clock, by=by)
        return see_other(page_url(request, "/dev")) if is_form else JSONResponse(_told(parts.clock))

    return [
        route("/dev", show_index, guard=guard, face="page"),
        route("/dev/clock", read_clock, guard=guard, face="json"),
        route("/dev/clock", set_clock, guard=guard, face="json", methods=("POST",)),
    ]


def _told(clock: SystemClock) -> dict[str, Any]:
    return {"now": clock.now().isoformat(), "offset_seconds": clock.offset.total_seconds()}


def _json_offset(raw: bytes) -> dt.timedelta:
    try:
        members = json.loads(raw or b"{}")
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("malformed_json", "The body is not JSON.") from error
    if not isinstance(members, dict):
        raise MalformedRequest("malformed_json", "The body is not a JSON object.")
    return _offset(members.get("advance_seconds"))


async def _form_offset(request: Request) -> dt.timedelta:
    raw = (await read_form(request)).one("advance_seconds")
    return _offset(int(raw) if raw and raw.lstrip("-").isdecimal() else raw)


def _offset(seconds: object) -> dt.timedelta:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or abs(float(seconds)) > _MOST_SECONDS:  # type: ignore[arg-type]  # is_number says so
        raise InvalidInput(
            "invalid_offset",
            "advance_seconds is a number of seconds, 400 days at most.",
            field="advance_seconds",
        )
    return dt.timedelta(seconds=float(seconds))  # type: ignore[arg-type]  # as above
