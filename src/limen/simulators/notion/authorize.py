"""Notion's authorization endpoint: pick a workspace's account, allow, go back."""

from __future__ import annotations

import datetime as dt
import secrets

from starlette.requests import Request
from starlette.responses import Response

from limen.simulators import consent, wire
from limen.simulators.misbehave import Stage, answer, lied
from limen.simulators.state import Asked, Code, State

_PATH = "/v1/oauth/authorize"


class Authorize:
    """Serve the authorization endpoint and the two forms behind it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def start(self, request: Request) -> Response:
        """Check the request and show the accounts."""
        params = dict(request.query_params)
        return await answer(self._stage, "authorize", lambda state: self._start(state, params))

    async def choose(self, request: Request) -> Response:
        """Take the account and ask for its pages."""
        form = await wire.read_form(request)
        with self._stage.store.change() as state:
            asked = state.asked.get(form.get("asked", ""))
            if asked is None or form.get("account", "") not in state.accounts:
                return _blocked("no such request")
            asked.sub = form["account"]
            return consent.ask_consent(
                provider="Notion",
                action=f"{self._stage.base_url}{_PATH}/consent",
                asked=form["asked"],
                client=state.clients[asked.params["client_id"]].name,
                scopes={"Read, update and insert content on the pages you choose": False},
            )

    async def decide(self, request: Request) -> Response:
        """Take the decision and send the browser back."""
        form = await wire.read_form(request)
        with self._stage.store.change() as state:
            asked = state.asked.pop(form.get("asked", ""), None)
            if asked is None:
                return _blocked("no such request")
            if form.get("decision") != "allow":
                return self._back(state, asked, {"error": "access_denied"})
            raw_code = secrets.token_urlsafe(32)
            state.codes[raw_code] = Code(
                client_id=asked.params["client_id"],
                sub=asked.sub,
                scopes=[],
                redirect_uri=asked.params.get("redirect_uri"),
                expires_at=self._stage.now(state) + dt.timedelta(minutes=10),
            )
            return self._back(state, asked, {"code": raw_code})

    def _start(self, state: State, params: dict[str, str]) -> Response:
        client = state.clients.get(params.get("client_id", ""))
        if client is None:
            return _blocked("invalid_client")
        uri = params.get("redirect_uri")
        if client.redirect_uris and uri is not None and uri not in client.redirect_uris:
            return _blocked("redirect_uri_mismatch")
        if uri is None and len(client.redirect_uris) != 1:
            return _blocked("redirect_uri is missing")
        if params.get("response_type") != "code" or params.get("owner") != "user":
            return _blocked("response_type=code and owner=user are required")
        handle = secrets.token_urlsafe(16)
        state.asked[handle] = Asked(params=params)
        return consent.choose_account(
            provider="Notion",
            action=f"{self._stage.base_url}{_PATH}/account",
            asked=handle,
            accounts=state.accounts.values(),
        )

    def _back(self, state: State, asked: Asked, said: dict[str, str]) -> Response:
        registered = state.clients[asked.params["client_id"]].redirect_uris
        uri = asked.params.get("redirect_uri") or registered[0]
        honest = {"state": asked.params.get("state", ""), **said}
        return wire.redirect(uri, lied(honest, state.lies.callback))


def _blocked(reason: str) -> Response:
    return consent.refused(provider="Notion", reason=reason)
