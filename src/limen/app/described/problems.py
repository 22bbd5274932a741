"""What the routes of the JSON API refuse with: problem details (RFC 9457), by status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from limen.oauth.described.everywhere import to_shared

PROBLEM: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "Problem details (RFC 9457). `code` is stable; `detail` is for people.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "ask_uri": {
            "type": "string",
            "description": "Where an application asks the person who can help.",
        },
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "The members at fault, where some are.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code"],
}

_EVERYWHERE: Final = {
    400: ("malformed_request", "The request can't be read."),
    429: ("too_many_attempts", "Too many attempts. Retry-After says when to come back."),
    503: ("temporarily_unavailable", "We can't answer now. Retry-After says when to ask again."),
}
_GUARDED: Final = {
    401: ("not_authenticated", "Sign in first."),
    403: ("not_permitted", "You are not allowed to do this."),
}
_NAMED: Final = {404: ("not_found", "There is nothing here.")}
_CHANGING: Final = {409: ("conflict", "The state of things does not allow it now.")}
_READING: Final = {422: ("invalid_input", "Some of what was sent is not acceptable.")}


def with_problems(method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return an operation with the refusals that its kind of route has.

    Args:
        method: Lower-case.
        path: Its template.
        operation: What it says of itself wins, but for FastAPI's own shape of a 422.
    """
    said = {
        status: answer
        for status, answer in operation["responses"].items()
        if "HTTPValidationError" not in str(answer)
    }
    refusals = {
        str(status): _refusal(status, *words)
        for status, words in _refusals_of(method, path, operation)
    }
    refusals["405"] = to_shared(405)
    if "requestBody" in operation:
        refusals |= {"413": to_shared(413), "415": to_shared(415)}
    told = {status: _as_problem(status, answer) for status, answer in said.items()}
    return {**operation, "responses": dict(sorted({**refusals, **told}.items()))}


def _as_problem(status: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say of a refusal of a shape of its own that it is a problem, and may be a plain one."""
    own = answer.get("content", {}).get("application/json")
    if own is None or int(status) < HTTPStatus.BAD_REQUEST:
        return answer
    schema = {"anyOf": [own["schema"], {"$ref": "#/components/schemas/Problem"}]}
    return {**answer, "content": {"application/problem+json": {**own, "schema": schema}}}


def _refusals_of(
    method: str, path: str, operation: Mapping[str, Any]
) -> Iterator[tuple[int, tuple[str, str]]]:
    yield from _EVERYWHERE.items()
    yield from _GUARDED.items()
    # What is named in the path, in a required parameter or, by what changes things, in the body.
    if (
        "{" in path
        or method != "get"
        or any(one.get("required") for one in operation.get("parameters", []))
    ):
        yield from _NAMED.items()
    if method != "get":
        yield from _CHANGING.items()
    if "requestBody" in operation or operation.get("parameters"):
        yield from _READING.items()


def _refusal(status: int, code: str, detail: str) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    example = {
        "type": "about:blank",
        "title": phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": phrase,
        "content": {"application/problem+json": {"schema": schema, "example": example}},
    }
