"""Interactions over JSON: the same journey as the pages, led by a front end.

CORS: as the tenant says for ``/api/v1``. The handle admits, with whom it is bound to; no
cookie is set: who signed in is kept in the interaction.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse
from starlette.requests import Request

from limen.access.require import public
from limen.oauth.authorization.interaction import allow, deny
from limen.oauth.endpoints.interactive.front_end import open_by_json
from limen.oauth.endpoints.interactive.journey import (
    Answer,
    Handle,
    go_on,
    own,
    view,
    who_is_there,
)
from limen.oauth.endpoints.interactive.schemas import Credentials, complete
from limen.oauth.endpoints.interactive.sign_in import sign_in_by_json
from limen.oauth.parts import Parts
from limen.protocol.params import Params
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit

_EXAMPLE: Final = {
    "client_id": "0194c0b1-7b0e-7000-8000-000000000001",
    "response_type": "code",
    "redirect_uri": "https://app.example/callback",
    "scope": "openid profile",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
_Parameters = Annotated[dict[str, str | list[str]], Body(examples=[_EXAMPLE])]


def routes(parts: Parts) -> APIRouter:
    """Return the routes under ``/api/v1/interactions``."""
    router = APIRouter(
        prefix="/api/v1/interactions",
        tags=["interactions"],
        route_class=WorkRoute,
        dependencies=[public("the handle admits, with whom it is bound to")],
    )
    limited = [Depends(limit("interaction"))]

    @router.post("", dependencies=limited, responses={200: {"model": Answer}})
    async def open_interaction(
        request: Request, work: CurrentWork, parameters: _Parameters
    ) -> JSONResponse:
        """Open an interaction with the parameters of an authorization request."""
        params = Params.of(_pairs(parameters))
        status, view = await open_by_json(request, work, params=params, parts=parts)
        return JSONResponse(view, status)

    @router.get("/{handle}", dependencies=limited, response_model_exclude_none=True)
    async def show_interaction(request: Request, work: CurrentWork, handle: Handle) -> Answer:
        """Say what the interaction waits for; end it if nothing is missing any more."""
        found = await own(request, work, handle=handle, parts=parts)
        return await go_on(request, work, found=found, handle=handle, parts=parts)

    @router.post(
        "/{handle}/login", dependencies=[Depends(limit("login"))], response_model_exclude_none=True
    )
    async def sign_in(
        request: Request, work: CurrentWork, handle: Handle, *, credentials: Credentials
    ) -> Answer:
        """Sign in with e-mail address and password."""
        found = await own(request, work, handle=handle, parts=parts)
        found = await sign_in_by_json(
            request, work, found=found, credentials=credentials, parts=parts
        )
        return await go_on(request, work, found=found, handle=handle, parts=parts)

    @router.post("/{handle}/consent", dependencies=limited, response_model_exclude_none=True)
    async def agree(request: Request, work: CurrentWork, handle: Handle) -> Answer:
        """Agree to what is asked."""
        found = await own(request, work, handle=handle, parts=parts)
        who = await who_is_there(request, work, found)
        done = await allow(work, interaction=found, desk=parts.desk, who=who)
        return await view(work, done, found=found, handle=handle, parts=parts)

    @router.post("/{handle}/deny", dependencies=limited, response_model_exclude_none=True)
    async def refuse(request: Request, work: CurrentWork, handle: Handle) -> Answer:
        """Say no, whatever was asked."""
        found = await own(request, work, handle=handle, parts=parts)
        return complete(await deny(work, interaction=found, desk=parts.desk))

    return router


def _pairs(parameters: dict[str, str | list[str]]) -> list[tuple[str, str]]:
    """Write JSON members as the pairs of a form; a list is a parameter that repeats."""
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        values = [value] if isinstance(value, str) else value
        pairs.extend((name, one) for one in values)
    return pairs
