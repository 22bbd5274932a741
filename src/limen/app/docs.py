"""The API's description at ``/docs``, with its assets served by us: it works offline."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from limen.app.described.document import document
from limen.web.state import site_of

_ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def docs_routes(api: FastAPI, *, whole: Callable[[], Awaitable[None]]) -> list[BaseRoute]:
    """Return the routes of the description.

    Args:
        api: What is described; its document is written on the first request, not at start.
        whole: Sees that the application has all its routes.
    """
    folder = _assets_folder()
    written = _Written(api, whole=whole)

    async def described(request: Request) -> Response:
        servers = json.dumps([{"url": site_of(request).issuer}]).encode()
        members = await written.members()
        body = b"".join((b'{"servers":', servers, b",", members))
        return Response(body, media_type="application/json")

    async def page(request: Request) -> Response:
        path = site_of(request).path
        nonce = secrets.token_urlsafe(16)
        rendered = get_swagger_ui_html(
            openapi_url=f"{path}/openapi.json",
            title="Limen API",
            swagger_js_url=f"{path}/docs/assets/swagger-ui-bundle.js",
            swagger_css_url=f"{path}/docs/assets/swagger-ui.css",
            swagger_favicon_url=f"{path}/docs/assets/favicon.png",
        )
        text = bytes(rendered.body).decode()
        text = text.replace("<script>", f"<script nonce={json.dumps(nonce)}>")
        return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY.format(nonce=nonce)})

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            return Response(status_code=404)
        headers = {"Cache-Control": "public, max-age=86400"}
        return FileResponse(folder / name, media_type=_ASSETS[name], headers=headers)

    return [
        Route("/openapi.json", described, include_in_schema=False),
        Route("/docs", page, include_in_schema=False),
        Route("/docs/assets/{name}", asset, include_in_schema=False),
    ]


class _Written:
    """The document without its servers, written once: anybody may ask, as often as they like."""

    def __init__(self, api: FastAPI, *, whole: Callable[[], Awaitable[None]]) -> None:
        self._api: Final = api
        self._whole: Final = whole
        self._members = b""
        self._one_at_a_time: Final = asyncio.Lock()

    async def members(self) -> bytes:
        """Return all behind the opening brace, the closing one included."""
        async with self._one_at_a_time:
            if not self._members:
                await self._whole()
                # Most of a second of work: in a thread, the others do not wait for it.
                self._members = await asyncio.to_thread(self._write)
        return self._members

    def _write(self) -> bytes:
        told = json.dumps(document(self._api), ensure_ascii=False, separators=(",", ":"))
        # FastAPI keeps what it was made from, several times its size, and nobody needs it again.
        self._api.openapi_schema = None
        return told.removeprefix("{").encode()


def _assets_folder() -> Path:
    """Find the files of the ``fastapi-offline`` distribution without importing it."""
    spec = importlib.util.find_spec("fastapi_offline")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "static"
