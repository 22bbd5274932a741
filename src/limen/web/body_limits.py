"""How large a request may be, and in which encoding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Message, Receive

from limen.kernel.errors import MalformedRequest, TooLarge, UnsupportedContent

_PICTURE: Final = "/auth/oauth2/profile/picture"
_EVENTS: Final = "/api/v1/oauth/events/"
_PROXIED: Final = re.compile(r"/api/v1/oauth/connections/[^/]+/proxy/")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How many bytes a body may have.

    Args:
        max_bytes: Everywhere but under ``max_json_bytes``.
        max_json_bytes: Under ``/api/``.
        max_picture_bytes: Of an uploaded picture.
        max_proxied_bytes: Of what is handed on to a provider while it comes, kept nowhere.
    """

    max_bytes: int = 64 * 1024
    max_json_bytes: int = 1024 * 1024
    max_picture_bytes: int = 2 * 1024 * 1024
    max_proxied_bytes: int = 32 * 1024 * 1024

    def for_path(self, path: str) -> int:
        """Return the limit of a route path."""
        if _PROXIED.match(path):
            return self.max_proxied_bytes
        if path.startswith(_EVENTS):
            return self.max_bytes
        if path.endswith(_PICTURE):
            return self.max_picture_bytes
        return self.max_json_bytes if path.startswith("/api/") else self.max_bytes


def check_headers(headers: Mapping[bytes, bytes], *, max_bytes: int) -> None:
    """Refuse by the headers alone, before a byte of the body is read.

    Raises:
        UnsupportedContent: A compressed body: small on the wire, vast in memory (N235).
        TooLarge: More than the limit announced.
        MalformedRequest: A length that is no number (N238).
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in {b"", b"identity"}:
        raise UnsupportedContent(public="Send the body without compression.")
    length = headers.get(b"content-length")
    if length is None:
        return
    if not length.isdigit():
        raise MalformedRequest(detail="content-length is no number")
    if len(length) > 12 or int(length) > max_bytes:
        raise TooLarge(public=f"The body may have {max_bytes} bytes at most.")


def counted(receive: Receive, *, max_bytes: int) -> Receive:
    """Return a ``receive`` that raises ``TooLarge``, for bodies of unannounced length."""
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > max_bytes:
                raise TooLarge(public=f"The body may have {max_bytes} bytes at most.")
        return message

    return count
