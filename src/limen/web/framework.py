"""Faults that the frameworks or the machine raise, turned into refusals of ours."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Scope

from limen.kernel.errors import (
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooLarge,
    UnsupportedContent,
)
from limen.observe import logger
from limen.observe.metrics import count_refusal
from limen.web.errors import Face, InvalidMembers, ServerFault, answer
from limen.web.locate import route_path
from limen.web.policy.cors import path_class

_log = logger("limen.web")

_TELLABLE: Final = frozenset(
    {
        "bool_parsing",
        "bool_type",
        "dict_type",
        "extra_forbidden",
        "greater_than",
        "greater_than_equal",
        "int_parsing",
        "int_type",
        "less_than",
        "less_than_equal",
        "list_type",
        "literal_error",
        "missing",
        "model_attributes_type",
        "model_type",
        "string_too_long",
        "string_too_short",
        "string_type",
        "too_long",
        "too_short",
    }
)
"""Kinds of pydantic errors whose message can't hold what was sent."""

_MAX_MEMBERS: Final = 20
_MAX_FIELD: Final = 80


def as_refusal(fault: Exception) -> Refusal:
    """Return what we say of a fault; of one we don't know, nothing but that it is ours."""
    match fault:
        case Refusal():
            return fault
        case RequestValidationError():
            return _invalid(fault)
        case HTTPException(__cause__=Refusal() as cause):
            return cause  # FastAPI wraps whatever reading the body raises
        case ClientDisconnect():
            return _by_status(400)  # who hangs up in the middle of a body is no fault of ours
        case HTTPException():
            return _by_status(fault.status_code)
        case _:
            return ServerFault()


def answer_fault(request: Request, fault: Exception, face: Face) -> Response:
    """Answer a fault; one that is nobody's refusal is logged."""
    refusal = note_refusal(request, as_refusal(fault))
    if isinstance(refusal, ServerFault):
        log_crash(fault, request.scope)
    elif refusal.detail:
        _log.info("refused", refusal=refusal.code, detail=refusal.detail)
    response = answer(request, refusal, face)
    allowed = fault.headers if isinstance(fault, HTTPException) else None
    if allowed and "Allow" in allowed:
        response.headers["allow"] = allowed["Allow"]
    return response


def note_refusal(request: Request, refusal: Refusal) -> Refusal:
    """Count a refusal and leave its code to the request's line; return it."""
    count_refusal(refusal.code)
    request.scope["state"].get("seen", {})["refusal"] = refusal.code
    return refusal


def _by_status(status: int) -> Refusal:
    """Return what a status that a framework chose means in our words."""
    match status:
        case 404:
            return NotFound(public="There is nothing at this address.")
        case 405:
            return MethodNotAllowed(public="This address does not take this kind of request.")
        case 413:
            return TooLarge()
        case 415:
            return UnsupportedContent()
        case _:
            return MalformedRequest(public="This request can't be read.")


def log_crash(crash: BaseException, scope: Scope) -> None:
    """Log where it broke, once: kinds and places, no message, which may quote a secret (N241)."""
    if scope["state"].get("crash") is crash:
        return
    scope["state"]["crash"] = crash
    chain: list[str] = []
    seen: BaseException | None = crash
    while seen is not None and len(chain) < 5:
        chain.append(type(seen).__qualname__)
        seen = seen.__cause__ or seen.__context__
    frames = traceback.extract_tb(crash.__traceback__)[-8:]
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
    ]
    # The template, never the path: paths carry handles and tokens of links.
    route = getattr(scope.get("route"), "path", "")
    _log.error("crashed", route=route, kinds=chain, places=places)


def face_of(request: Request) -> Face:
    """Say how to answer where no route of ours was reached."""
    path = route_path(request.scope)
    if path.startswith("/oauth2/") and path not in {"/oauth2/authorize", "/oauth2/logout"}:
        return "oauth"
    if path.startswith("/api/") or path_class(path) != "nobody":
        return "json"
    return "page" if "text/html" in request.headers.get("accept", "") else "json"


def install_error_handlers(app: FastAPI) -> None:
    """Answer what happens outside every exchange: unknown paths, wrong verbs, crashes."""

    async def handle(request: Request, fault: Exception) -> Response:
        return answer_fault(request, fault, face_of(request))

    for kind in (Refusal, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, handle)


def _invalid(fault: RequestValidationError) -> Refusal:
    errors = fault.errors()
    if any(error["type"] == "json_invalid" for error in errors):
        return MalformedRequest("malformed_json", "The body is not JSON.")
    return InvalidMembers([_member(error) for error in errors[:_MAX_MEMBERS]])


def _member(error: Mapping[str, Any]) -> dict[str, str]:
    kind = str(error["type"])
    is_tellable = kind in _TELLABLE
    return {
        "field": _field(error["loc"]),
        "code": kind if is_tellable else "invalid",
        "detail": f"{error['msg']}." if is_tellable else "This is not acceptable.",
    }


def _field(loc: tuple[int | str, ...]) -> str:
    """Name the member; a name that the sender made up is shown only if it is harmless."""
    parts = [str(part) for part in loc[1:]]
    return ".".join(parts)[:_MAX_FIELD] if all(map(_is_harmless, parts)) else ""


def _is_harmless(name: str) -> bool:
    return name.isdigit() or (name.isascii() and name.replace("-", "_").isidentifier())
