"""Google's authorization endpoint: account chooser, consent with boxes, the answer."""

from __future__ import annotations

import datetime as dt
import secrets

from starlette.requests import Request
from starlette.responses import Response

from limen.simulators import consent, wire
from limen.simulators.google import scopes
from limen.simulators.misbehave import Stage, answer, lied
from limen.simulators.state import Asked, Code, State

_PATH = "/o/oauth2/v2/auth"


class Authorize:
    """Serve the authorization endpoint and the two forms behind it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def start(self, request: Request) -> Response:
        """Check the request and show the account chooser."""
        params = dict(request.query_params)
        return await answer(self._stage, "authorize", lambda state: self._start(state, params))

    async def choose(self, request: Request) -> Response:
        """Take the chosen account and show the consent screen, if it is needed."""
        form = await wire.read_form(request)
        with self._stage.store.change() as state:
            return self._chosen(state, form.get("asked", ""), form.get("account", ""))

    async def decide(self, request: Request) -> Response:
        """Take the decision and send the browser back."""
        pairs = await wire.read_pairs(request)
        form = dict(pairs)
        ticked = [value for name, value in pairs if name == "scope"]
        with self._stage.store.change() as state:
            asked = state.asked.pop(form.get("asked", ""), None)
            if asked is None:
                return _blocked("no such request")
            if form.get("decision") != "allow":
                return self._back(state, asked, {"error": "access_denied"})
            wanted = scopes.canonical(asked.params["scope"])
            untick = scopes.canonical(" ".join(state.lies.untick))
            kept = [
                scope
                for scope in wanted
                if scope in scopes.IDENTITY or (scope in ticked and scope not in untick)
            ]
            return self._issue(state, asked, kept, shown=True)

    def _start(self, state: State, params: dict[str, str]) -> Response:
        problem = _problem(state, params)
        if problem:
            return _blocked(problem)
        handle = secrets.token_urlsafe(16)
        state.asked[handle] = Asked(params=params)
        hint = params.get("login_hint", "")
        known = next((a for a in state.accounts.values() if hint in {a.sub, a.email}), None)
        if known is not None and "select_account" not in params.get("prompt", ""):
            return self._chosen(state, handle, known.sub)
        return consent.choose_account(
            provider="Google",
            action=f"{self._stage.base_url}{_PATH}/account",
            asked=handle,
            accounts=state.accounts.values(),
        )

    def _chosen(self, state: State, handle: str, sub: str) -> Response:
        asked = state.asked.get(handle)
        if asked is None or sub not in state.accounts:
            return _blocked("no such request")
        asked.sub = sub
        wanted = scopes.canonical(asked.params["scope"])
        already = state.consented.get(f"{asked.params['client_id']} {sub}", [])
        if "consent" not in asked.params.get("prompt", "") and set(wanted) <= set(already):
            del state.asked[handle]
            return self._issue(state, asked, wanted, shown=False)
        return consent.ask_consent(
            provider="Google",
            action=f"{self._stage.base_url}{_PATH}/consent",
            asked=handle,
            client=state.clients[asked.params["client_id"]].name,
            scopes={scope: scope not in scopes.IDENTITY for scope in wanted},
        )

    def _issue(self, state: State, asked: Asked, granted: list[str], *, shown: bool) -> Response:
        params = asked.params
        key = f"{params['client_id']} {asked.sub}"
        before = state.consented.get(key, [])
        state.consented[key] = list(dict.fromkeys([*before, *granted]))
        if params.get("include_granted_scopes") == "true":
            granted = state.consented[key]
        raw_code = f"4/0{secrets.token_urlsafe(32)}"
        state.codes[raw_code] = Code(
            client_id=params["client_id"],
            sub=asked.sub,
            scopes=granted,
            redirect_uri=params["redirect_uri"],
            challenge=params.get("code_challenge", ""),
            nonce=params.get("nonce", ""),
            offline=params.get("access_type") == "offline" and shown,
            expires_at=self._stage.now(state) + dt.timedelta(minutes=10),
        )
        return self._back(state, asked, {"code": raw_code, "scope": " ".join(granted)})

    def _back(self, state: State, asked: Asked, said: dict[str, str]) -> Response:
        honest = {"state": asked.params.get("state", ""), "iss": self._stage.base_url, **said}
        return wire.redirect(asked.params["redirect_uri"], lied(honest, state.lies.callback))


def _problem(state: State, params: dict[str, str]) -> str:
    client = state.clients.get(params.get("client_id", ""))
    uri = params.get("redirect_uri", "")
    if client is None:
        return "invalid_client"
    if not uri or (client.redirect_uris and uri not in client.redirect_uris):
        return "redirect_uri_mismatch"
    if params.get("response_type") != "code" or not params.get("scope"):
        return "invalid_request"
    if params.get("code_challenge") and params.get("code_challenge_method") != "S256":
        return "invalid_request"
    return ""


def _blocked(reason: str) -> Response:
    return consent.refused(provider="Google", reason=reason)
