"""JSON answers that nobody may keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

_NOBODY_KEEPS: Final[Mapping[str, str]] = {"cache-control": "no-store", "pragma": "no-cache"}
_ANYONE_KEEPS: Final[Mapping[str, str]] = {"cache-control": "public, max-age=300"}


def json_answer(body: bytes, *, status: int = 200) -> Response:
    """Answer with JSON that holds a token or speaks of one (RFC 6749 section 5.1)."""
    return Response(body, status, media_type="application/json", headers=_NOBODY_KEEPS)


def jwt_answer(raw: str, *, media_type: str) -> Response:
    """Answer 200 with a JWT that speaks of a person or a token."""
    return Response(raw, media_type=media_type, headers=_NOBODY_KEEPS)


def public_answer(body: bytes) -> Response:
    """Answer 200 with JSON that is the same for everyone, good for five minutes."""
    return Response(body, media_type="application/json", headers=_ANYONE_KEEPS)
