"""Forms and queries, read once, strictly; a query is never merged into a body (N232)."""

from __future__ import annotations

from typing import Final, cast

from starlette.requests import Request

from limen.kernel.errors import OAuthRefusal, UnsupportedContent
from limen.protocol.params import FORM_LIMITS, QUERY_LIMITS, Limits, Params, parse_params
from limen.web.state import state_of

_FORM: Final = "application/x-www-form-urlencoded"


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
