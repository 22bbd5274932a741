"""Forms, queries and JSON, read strictly; a query is never merged into a body (N232)."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any, Final, cast

from starlette.requests import Request

from limen.kernel.errors import MalformedRequest, OAuthRefusal, UnsupportedContent
from limen.kernel.foreign_json import parse_json
from limen.protocol.params import FORM_LIMITS, QUERY_LIMITS, Limits, Params, parse_params
from limen.web.state import state_of

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_JSON_LINES: Final = "application/x-ndjson"


async def read_form(request: Request, *, limits: Limits = FORM_LIMITS) -> Params:
    """Return the body's parameters.

    Raises:
        UnsupportedContent: Unless the body says it is a form (N041).
        OAuthRefusal: ``invalid_request`` when it is not one.
    """
    state = state_of(request)
    known = state.get("form")
    if known is None:
        if not is_form(request):
            raise UnsupportedContent(public=f"Send {_FORM}.")
        known = state["form"] = parse_params(await request.body(), limits=limits)
    return cast("Params", known)


def read_query(request: Request, *, limits: Limits = QUERY_LIMITS) -> Params:
    """Return the query's parameters."""
    state = state_of(request)
    known = state.get("query")
    if known is None:
        known = state["query"] = parse_params(request.scope["query_string"], limits=limits)
    return cast("Params", known)


def is_form(request: Request) -> bool:
    """Say whether the body claims to be an URL-encoded form, in UTF-8 if it names a charset."""
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != _FORM:
        return False
    rest = rest.strip().lower().replace('"', "")
    if rest and rest != "charset=utf-8":
        raise OAuthRefusal("invalid_request", "The form's charset must be UTF-8.")
    return True


async def read_json(request: Request) -> Any:
    """Read the body, in UTF-8 and no deeper than anything of ours is (N236).

    Raises:
        JSONDecodeError: It is no JSON.
        MalformedRequest: It is no text, too deep, or NaN is in it.
    """
    try:
        return parse_json((await request.body()).decode(), any_text=True)
    except JSONDecodeError:
        raise
    except ValueError:
        raise MalformedRequest(public="The body is no JSON, or nests too deeply.") from None


def check_is_json(request: Request, *, or_lines: bool = False) -> None:
    """Refuse a body that does not call itself JSON: it is what a forged form can send (N180).

    Args:
        request: As it came.
        or_lines: Whether it may be lines of JSON as well.

    Raises:
        UnsupportedContent: ``unsupported_content_type``.
    """
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    main, _, sub = kind.partition("/")
    is_json = kind == _JSON or (main == "application" and sub.endswith("+json") and "/" not in sub)
    if not is_json and not (or_lines and kind == _JSON_LINES):
        raise UnsupportedContent(public="Send application/json.")
