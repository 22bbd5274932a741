"""Who asks: the authenticators that were handed in, one after the other."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Annotated, Final, TypeVar

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.actor import ANONYMOUS, Actor
from limen.web import cookies, csrf
from limen.web.forms import check_is_json, read_json
from limen.web.peer.client_ip import client_ip
from limen.web.state import FORGET, current_work, edge_of, state_of

M = TypeVar("M", bound=BaseModel)

_KEY: Final = "authenticated_work"


# Coroutines, because FastAPI runs a plain function in a thread: that hop costs a request more
# than all that it does here.


async def _work_of(request: Request) -> Work:
    return current_work(request)


async def _address_of(request: Request) -> str:
    return client_ip(request)


CurrentWork = Annotated[Work, Depends(_work_of)]
ClientAddress = Annotated[str, Depends(_address_of)]


def query_as(model: type[M], request: Request) -> M:
    """Read a query as FastAPI would, for a route that does without it.

    Raises:
        RequestValidationError: As FastAPI's, so that it is told in the same words.
    """
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise _told_of("query", error) from None


async def body_as(model: type[M], request: Request) -> M:
    """Read a JSON body as FastAPI would, for a route that does without it.

    Raises:
        UnsupportedContent: ``unsupported_content_type``.
        MalformedRequest: The body can't be read.
        RequestValidationError: As FastAPI's, so that it is told in the same words.
    """
    check_is_json(request)
    if not await request.body():
        missing = {"type": "missing", "loc": ("body",), "msg": "Field required"}
        raise RequestValidationError([missing])
    try:
        value = await read_json(request)
    except JSONDecodeError as error:
        wrong = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}
        raise RequestValidationError([wrong]) from None
    try:
        return model.model_validate(value, from_attributes=True)
    except ValidationError as error:
        raise _told_of("body", error) from None


def _told_of(where: str, error: ValidationError) -> RequestValidationError:
    return RequestValidationError(
        [{**each, "loc": (where, *each["loc"])} for each in error.errors()]
    )


async def authenticate(request: Request, work: Work) -> Actor:
    """Find out who asks and make them the actor of the Work; once per Work.

    Someone known by a cookie alone is believed on an unsafe method only with a proof that
    our own page sent it (N180): no route can forget that.

    Returns:
        The actor; ``ANONYMOUS`` when nobody is known.

    Raises:
        BearerRefusal: A token was presented and is not good.
        NotPermitted: ``csrf_failed``.
    """
    state = state_of(request)
    if state.get(_KEY) is work:
        known: Actor = work.actor
        return known
    actor = await _find(request, work)
    if actor.kind == "user" and actor.scope is None and request.method not in csrf.SAFE_METHODS:
        await csrf.check(request)
    # A cookie that is nobody's is taken away, on whatever this is answered with (N185).
    state[FORGET] = actor.kind == "anonymous" and cookies.was_sent(request, cookies.SESSION)
    work.actor = actor
    state[_KEY] = work
    return actor


async def _find(request: Request, work: Work) -> Actor:
    for find in edge_of(request).authenticators:
        found = await find(request, work)
        if found is not None:
            return found
    return ANONYMOUS
