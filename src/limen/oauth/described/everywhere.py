"""What every OAuth endpoint may refuse, said once: the verb, the body's size and its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from limen.oauth.described.errors import ERRORS
from limen.oauth.described.words import STRING, ref

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_PAGES: Final = ("/oauth2/authorize", "/oauth2/logout")
"""Where browsers are sent: a wrong verb is answered with a page."""

_TOLD: Final[Mapping[int, tuple[str, str, str]]] = {
    405: (
        "MethodNotAllowed",
        "method_not_allowed",
        "This address does not take this kind of request.",
    ),
    413: ("TooLarge", "request_too_large", "The body is too large."),
    415: (
        "UnsupportedContent",
        "unsupported_content_type",
        "Send application/x-www-form-urlencoded.",
    ),
}
"""By status: the name of the answer, the code and the text."""


def _as_json(code: str, text: str) -> dict[str, Any]:
    example = {"error": code, "error_description": text}
    return {"application/json": {"schema": ref("OAuthError"), "example": example}}


def problem(status: int) -> dict[str, Any]:
    """Return the answer as the JSON API gives it (RFC 9457)."""
    _, code, text = _TOLD[status]
    phrase = HTTPStatus(status).phrase
    told = {"type": "about:blank", "title": phrase, "status": status}
    example = {**told, "detail": text, "code": code}
    content = {"application/problem+json": {"schema": ref("Problem"), "example": example}}
    return {"description": f"Refused: `{code}`.", "content": content}


def _shared() -> Iterator[tuple[str, dict[str, Any]]]:
    for status, (name, _, text) in _TOLD.items():
        as_json = _as_json("invalid_request", text)
        as_page = {"text/html": {"schema": STRING, "example": "A page that says why not."}}
        as_problem = problem(status)
        yield name, as_problem
        told = "Refused: `invalid_request`."
        yield f"OAuth{name}", {"description": told, "content": as_json}
        both = {**as_json, **as_page, **as_problem["content"]}
        yield f"Page{name}", {"description": told, "content": both}
    code = "temporarily_unavailable"
    content = _as_json(code, ERRORS[code][1])
    yield "OAuthUnavailable", {"description": f"Refused: `{code}`.", "content": content}


SHARED: Final[Mapping[str, Any]] = dict(_shared())
"""Answers by name: of the JSON API, of the OAuth endpoints, and of those that show pages."""


def to_shared(status: int, *, face: str = "") -> dict[str, str]:
    """Point to one of them.

    Args:
        status: 405, 413 or 415.
        face: Empty for the JSON API, ``OAuth`` or ``Page``.
    """
    return {"$ref": f"#/components/responses/{face}{_TOLD[status][0]}"}


def with_shared(paths: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the endpoints with what each of them may refuse."""
    return {
        path: {
            method: _refusing(path, told) if method in _METHODS else told
            for method, told in item.items()
        }
        for path, item in paths.items()
    }


def _refusing(path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    is_ours = path.startswith("/oauth2/")
    face = "Page" if path in _PAGES else "OAuth"
    added: dict[str, Any] = {"405": to_shared(405, face=face if is_ours else "")}
    if "requestBody" in operation:
        added |= {"413": to_shared(413, face=face), "415": to_shared(415, face=face)}
    added["503"] = {"$ref": "#/components/responses/OAuthUnavailable"}
    responses = {**added, **operation["responses"]}
    return {**operation, "responses": dict(sorted(responses.items()))}
