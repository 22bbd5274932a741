"""Our own stylesheet and scripts, under names that change with their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from limen.kernel.errors import NotFound

OURS: Final = Path(__file__).parent / "static"

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


class Static:
    """Files read once at start.

    Args:
        directories: Where they lie, flat; a later one does not replace an earlier one's file.
    """

    def __init__(self, directories: Iterable[Path] = (OURS,)) -> None:
        self._named: dict[str, str] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        for directory in directories:
            for path in sorted(directory.iterdir()):
                if path.suffix in _TYPES and path.name not in self._named:
                    self._add(path)

    def name(self, plain: str) -> str:
        """Return the name with the content's hash in it, ``limen.1f3a….css``."""
        return self._named[plain]

    def route(self) -> Route:
        """Return the route that serves them; it needs no Work and no tenant."""
        return Route("/static/{name}", _Serve(self._files), methods=["GET"], name="static")

    def _add(self, path: Path) -> None:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        hashed = f"{path.stem}.{digest}{path.suffix}"
        self._named[path.name] = hashed
        self._files[hashed] = (content, _TYPES[path.suffix])


class _Serve:
    permission = "public"

    def __init__(self, files: dict[str, tuple[bytes, str]]) -> None:
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._files.get(scope["path_params"]["name"])
        if found is None:
            raise NotFound
        content, kind = found
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        await Response(content, headers=headers, media_type=kind)(scope, receive, send)
