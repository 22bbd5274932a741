"""Notion's token, revocation and introspection endpoints: Basic and JSON, nothing else."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.simulators import wire
from limen.simulators.control import fingerprint, presented, withdraw
from limen.simulators.misbehave import Stage, answer, lied
from limen.simulators.state import Account, Client, State, Token

_Perform = Callable[[State, Client, dict[str, Any]], Response]


class TokenEndpoint:
    """Exchange codes, refresh with rotation, revoke, introspect."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def token(self, request: Request) -> Response:
        """Answer the token endpoint."""
        body = await _read_json(request)
        grant = str((body or {}).get("grant_type", ""))
        if grant == "refresh_token":
            return await self._answer(request, "refresh", self._refresh)
        return await self._answer(request, "exchange", self._exchange)

    async def revoke(self, request: Request) -> Response:
        """End one installation."""
        if not request.headers.get("notion-version"):
            return _error("missing_version", "Notion-Version header should be defined.")

        def perform(state: State, client: Client, body: dict[str, Any]) -> Response:
            raw = str(body.get("token", ""))
            token = state.access.get(raw) or state.refresh.get(raw)
            if token is None or token.client_id != client.client_id:
                return _error("invalid_request", "Unknown token.")
            state.revocations.append(fingerprint(raw))
            withdraw(state, token.sub, client_id=client.client_id)
            return JSONResponse({"request_id": _request_id()})

        return await self._answer(request, "revoke", perform)

    async def introspect(self, request: Request) -> Response:
        """Tell whether a token lives."""

        def perform(state: State, client: Client, body: dict[str, Any]) -> Response:
            token = state.access.get(str(body.get("token", "")))
            alive = token is not None and token.client_id == client.client_id
            return JSONResponse({"active": alive, "request_id": _request_id()})

        return await self._answer(request, "introspect", perform)

    async def _answer(self, request: Request, operation: str, perform: _Perform) -> Response:
        body = await _read_json(request)
        basic = wire.basic_credentials(request)

        def checked(state: State) -> Response:
            client = state.clients.get(basic[0]) if basic else None
            if client is None or basic is None:
                return _error("invalid_client", "Client authentication is missing.", 401)
            if not secrets.compare_digest(client.secret, basic[1]):
                return _error("invalid_client", "Client authentication failed.", 401)
            if body is None:
                return _error("invalid_json", "The body must be a JSON object.")
            return perform(state, client, body)

        return await answer(self._stage, operation, checked)

    def _exchange(self, state: State, client: Client, body: dict[str, Any]) -> Response:
        if body.get("grant_type") != "authorization_code":
            return _error("unsupported_grant_type", "Unsupported grant_type.")
        code = state.codes.pop(str(body.get("code", "")), None)
        if code is None or code.client_id != client.client_id:
            return _error("invalid_grant", "Invalid code.")
        if code.expires_at <= self._stage.now(state):
            return _error("invalid_grant", "The code has expired.")
        if body.get("redirect_uri") != code.redirect_uri:
            return _error("invalid_grant", "redirect_uri must be sent as it was authorized.")
        # Reconnecting an installation ends what the older connection holds.
        withdraw(state, code.sub, client_id=client.client_id)
        told = self._issue(state, client, code.sub)
        return JSONResponse(lied(told, state.lies.token_response))

    def _refresh(self, state: State, client: Client, body: dict[str, Any]) -> Response:
        raw = str(body.get("refresh_token", ""))
        token = state.refresh.get(raw)
        alive = token is not None and token.client_id == client.client_id
        presented(state, raw, accepted=alive)
        if token is None or not alive:
            return _error("invalid_grant", "Invalid refresh token.")
        del state.refresh[raw]
        if state.lies.refresh_kills_access:
            state.access = {
                name: held for name, held in state.access.items() if held.sub != token.sub
            }
        told = self._issue(state, client, token.sub)
        return JSONResponse(lied(told, state.lies.token_response))

    def _issue(self, state: State, client: Client, sub: str) -> dict[str, Any]:
        raw_access = f"ntn_{secrets.token_urlsafe(36)}"
        raw_refresh = f"nrt_{secrets.token_urlsafe(36)}"
        held = Token(
            client_id=client.client_id, sub=sub, scopes=[], issued_at=self._stage.now(state)
        )
        state.access[raw_access] = held
        state.refresh[raw_refresh] = held.model_copy()
        account = state.accounts[sub]
        return {
            "access_token": raw_access,
            "token_type": "bearer",
            "refresh_token": raw_refresh,
            "bot_id": bot_id(client.client_id, account),
            "workspace_id": account.workspace_id,
            "workspace_name": account.workspace_name,
            "workspace_icon": None,
            "duplicated_template_id": None,
            "owner": {"type": "user", "user": person(account)},
            "request_id": _request_id(),
        }


def bot_id(client_id: str, account: Account) -> str:
    """Return the id of one person's installation in one workspace."""
    name = f"{client_id} {account.sub} {account.workspace_id}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def person(account: Account) -> dict[str, Any]:
    """Return a user object."""
    return {
        "object": "user",
        "id": account.sub,
        "name": account.name,
        "avatar_url": None,
        "type": "person",
        "person": {"email": account.email},
    }


async def _read_json(request: Request) -> dict[str, Any] | None:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _error(code: str, description: str, status: int = 400) -> Response:
    body = {"error": code, "error_description": description, "request_id": _request_id()}
    return JSONResponse(body, status)


def _request_id() -> str:
    return secrets.token_hex(16)
