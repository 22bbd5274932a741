"""The token of a connection: fetched, refreshed, reported as refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from limen.access.permissions import CONNECTIONS_REFRESH, CONNECTIONS_TOKEN
from limen.access.require import require
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.vault.endpoints.owner import OwnerQuery, as_caller, caller_of, owner_of
from limen.vault.endpoints.schemas import (
    ConnectionModel,
    ReportAnswer,
    ReportBody,
    TokenAnswerModel,
    TokenQuery,
)
from limen.vault.listing import get_connection
from limen.vault.model import TENANT_OWNER
from limen.vault.parts import Parts
from limen.vault.release.report import report
from limen.vault.store.connections import foresee_connection
from limen.vault.token_for import Wanted, token_for
from limen.web.deps import CurrentWork, query_as
from limen.web.exchange import Exchange, exchange_route
from limen.web.state import Foresee

_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_OTHER_READS: Final = {"owner", "resource"}
"""Members of the query by which another connection or another reading is meant."""


def add_tokens(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.get(
        "/connections/{connection_id}/token",
        dependencies=[require(CONNECTIONS_TOKEN)],
        response_model=TokenAnswerModel,
    )
    async def token(
        connection_id: str, work: CurrentWork, query: Annotated[TokenQuery, Query()]
    ) -> JSONResponse:
        """Get the connection's access token, refreshed first if it is not fresh.

        Say ``seen_generation`` when the provider answered 401 to the token of that generation:
        you get a newer one, and of any number of callers one has it refreshed. A client needs
        its owner's consent for the connection, and a release policy of ``raw``.

        Where a provider has several APIs, each with tokens of its own, ``resource`` says which
        one it is for; ``graph``, ``outlook`` or ``sharepoint`` at Microsoft.
        """
        return await _release(work, parts, connection_id=connection_id, query=query)

    @router.post(
        "/connections/{connection_id}/refresh", dependencies=[require(CONNECTIONS_REFRESH)]
    )
    async def refresh(
        connection_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> ConnectionModel:
        """Have the connection's token refreshed now; the token itself stays here."""
        owner_id = await owner_of(work, owner)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        wanted = Wanted(
            connection_id=connection_id,
            user_id=owner_id,
            reader="",
            seen_generation=shown.generation,
        )
        await token_for(work, parts, wanted=wanted)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        return ConnectionModel.of(shown)

    @router.post("/connections/{connection_id}/report", dependencies=[require(CONNECTIONS_TOKEN)])
    async def refused(
        *, connection_id: str, body: ReportBody, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> ReportAnswer:
        """Tell that the provider's API refused the token of a generation.

        Of any number of callers one has the token refreshed; the answer says what to do, and
        carries no token.
        """
        caller = await caller_of(work, owner)
        wanted = Wanted(
            connection_id=connection_id,
            user_id=caller.owner_id,
            reader="",
            client_id=caller.client_id,
            use="look",
            seen_generation=body.generation,
            resource=body.resource,
        )
        reported = await report(work, parts, wanted=wanted, status=body.status)
        return ReportAnswer(advice=reported.advice, generation=reported.generation)


def hot_routes(parts: Parts) -> list[Route]:
    """Return the one route that is asked often enough to be spared FastAPI's way to it.

    An application asks for the token before each call of the provider's API; finding the route
    and filling in its arguments costs more than all that is done here. The declaration above
    stays for the documentation.
    """

    async def token(request: Request, work: Work) -> JSONResponse:
        query = query_as(TokenQuery, request)
        connection_id = request.path_params["connection_id"]
        return await _release(work, parts, connection_id=connection_id, query=query)

    path = "/api/v1/oauth/connections/{connection_id}/token"
    guard = require(CONNECTIONS_TOKEN)
    endpoint = Exchange(token, guard=guard, face="json", foresee=_foresee)
    return [exchange_route(path, endpoint)]


def _foresee(request: Request) -> Foresee:
    """Have the connection read along with its reader's access token, one statement for both."""

    def foresee(work: Work, claims: Mapping[str, Any]) -> None:
        if _OTHER_READS & request.query_params.keys():
            return
        client_id, subject = claims["client_id"], claims["sub"]
        is_machine = subject == client_id
        actor = Actor(
            "client" if is_machine else "user",
            id=subject,  # a pairwise one is nobody's id: nothing is found, and asked for again
            client_id=client_id,
            scope=frozenset(claims.get("scope", "").split()),
        )
        caller = as_caller(actor, owner_id=TENANT_OWNER if is_machine else subject)
        foresee_connection(
            work,
            connection_id=request.path_params["connection_id"],
            owner_id=caller.owner_id,
            reader=caller.reader,
            client_id=caller.client_id,
        )

    return foresee


async def _release(
    work: Work, parts: Parts, *, connection_id: str, query: TokenQuery
) -> JSONResponse:
    caller = await caller_of(work, query.owner)
    wanted = Wanted(
        connection_id=connection_id,
        user_id=caller.owner_id,
        reader=caller.reader,
        min_ttl=dt.timedelta(seconds=query.min_ttl),
        seen_generation=query.seen_generation,
        client_id=caller.client_id,
        feature=query.feature,
        resource=query.resource,
    )
    released = await token_for(work, parts, wanted=wanted)
    told = TokenAnswerModel.of(released, now=work.now)
    return JSONResponse(told.model_dump(mode="json"), headers=_NO_STORE)
