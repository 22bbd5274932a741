"""Redirects within our own pages; answers to clients are built in ``limen.protocol``."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from limen.web.state import site_of


def see_other(url: str) -> Response:
    """Answer 303, after which every browser asks by GET.

    Never 307 or 308, which repeat a POST with its password elsewhere (N016, RFC 9700
    section 4.12).

    Args:
        url: Made by us, percent-encoded; never a value out of a request.

    Raises:
        ValueError: If it could break out of its header line.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("a Location is printable ASCII without spaces")
    return Response(status_code=303, headers={"location": url, "cache-control": "no-store"})


def page_url(request: Request, path: str, **query: str) -> str:
    """Return the path of one of our pages under the request's tenant."""
    asked = {name: value for name, value in query.items() if value}
    return f"{site_of(request).path}{path}" + (f"?{urlencode(asked)}" if asked else "")
