"""The routes of the simulated Notion."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from limen.simulators import wire
from limen.simulators.control import control
from limen.simulators.misbehave import Stage, answer
from limen.simulators.notion.authorize import Authorize
from limen.simulators.notion.token import TokenEndpoint, bot_id, person
from limen.simulators.state import State, Token

_Tell = Callable[[State, Token], dict[str, object]]


def notion(stage: Stage) -> Router:
    """Return the simulated Notion, to be mounted at the path of ``stage.base_url``."""
    authorize = Authorize(stage)
    tokens = TokenEndpoint(stage)

    async def me(request: Request) -> Response:
        return await _api(stage, request, "me", tell=_me)

    async def search(request: Request) -> Response:
        return await _api(stage, request, "search", tell=_search)

    return Router(
        [
            Route("/v1/oauth/authorize", authorize.start, methods=["GET"]),
            Route("/v1/oauth/authorize/account", authorize.choose, methods=["POST"]),
            Route("/v1/oauth/authorize/consent", authorize.decide, methods=["POST"]),
            Route("/v1/oauth/token", tokens.token, methods=["POST"]),
            Route("/v1/oauth/revoke", tokens.revoke, methods=["POST"]),
            Route("/v1/oauth/introspect", tokens.introspect, methods=["POST"]),
            Route("/v1/users/me", me),
            Route("/v1/search", search, methods=["POST"]),
            *control(stage),
        ]
    )


def _me(state: State, token: Token) -> dict[str, object]:
    account = state.accounts[token.sub]
    owner = {"type": "user", "user": person(account)}
    bot = {"owner": owner, "workspace_name": account.workspace_name}
    return {"object": "user", "type": "bot", "id": bot_id(token.client_id, account), "bot": bot}


def _search(_: State, token: Token) -> dict[str, object]:
    page = {"object": "page", "id": f"page-{token.sub}", "url": "https://notion.example/notes"}
    return {"object": "list", "results": [page], "has_more": False, "next_cursor": None}


async def _api(stage: Stage, request: Request, operation: str, *, tell: _Tell) -> Response:
    raw = wire.bearer(request)

    def perform(state: State) -> Response:
        token = state.access.get(raw)
        if token is None:
            return _problem(401, "unauthorized", "API token is invalid.")
        if not request.headers.get("notion-version"):
            return _problem(400, "missing_version", "Notion-Version header should be defined.")
        return JSONResponse(tell(state, token))

    return await answer(stage, operation, perform)


def _problem(status: int, code: str, message: str) -> Response:
    body = {
        "object": "error",
        "status": status,
        "code": code,
        "message": message,
        "request_id": secrets.token_hex(16),
    }
    return JSONResponse(body, status)
