"""The authorization endpoint: account chooser, consent with boxes, the answer."""

from __future__ import annotations

import datetime as dt
import secrets

from starlette.requests import Request
from starlette.responses import Response

from limen.simulators import consent, wire
from limen.simulators.misbehave import answer, lied
from limen.simulators.state import Account, Asked, Client, Code, State
from limen.simulators.vendor.answers import Answers
from limen.simulators.vendor.places import filled, path_of
from limen.simulators.vendor.shape import Shape


class Authorize:
    """Serve a vendor's authorization endpoint and the two forms behind it."""

    def __init__(self, shape: Shape, answers: Answers) -> None:
        self._entry, self._habits, self._stage = shape.entry, shape.habits, shape.stage
        self._answers = answers
        self._rule = shape.entry.operations.authorize
        self._path = path_of(self._rule.url)

    async def start(self, request: Request) -> Response:
        """Check the request and show the account chooser."""
        params = dict(request.query_params)
        place = filled(self._path, request.path_params)

        def perform(state: State) -> Response:
            return self._start(state, params, place=place)

        return await answer(self._stage, "authorize", perform)

    async def choose(self, request: Request) -> Response:
        """Take the chosen account and show the consent screen, if it is needed."""
        form = await wire.read_form(request)
        place = filled(self._path, request.path_params)
        with self._stage.store.change() as state:
            handle, sub = form.get("asked", ""), form.get("account", "")
            return self._chosen(state, handle, sub, place=place)

    async def decide(self, request: Request) -> Response:
        """Take the decision and send the browser back."""
        pairs = await wire.read_pairs(request)
        form = dict(pairs)
        ticked = [value for name, value in pairs if name == "scope"]
        with self._stage.store.change() as state:
            asked = state.asked.pop(form.get("asked", ""), None)
            if asked is None:
                return self._blocked("no such request")
            if form.get("decision") != "allow":
                return self._back(state, asked, {"error": "access_denied"})
            untick = self._answers.canonical(state.lies.untick)
            kept = [
                scope
                for scope in self._wanted(asked)
                if scope not in untick and (not self._may_untick(scope) or scope in ticked)
            ]
            return self._issue(state, asked, kept, shown=True)

    def _start(self, state: State, params: dict[str, str], *, place: str) -> Response:
        problem = self._problem(state, params)
        if problem:
            return self._blocked(problem)
        handle = secrets.token_urlsafe(16)
        state.asked[handle] = Asked(params=params)
        known = self._hinted(state, params)
        if known is not None and "select_account" not in params.get("prompt", ""):
            return self._chosen(state, handle, known.sub, place=place)
        return consent.choose_account(
            provider=self._entry.title,
            action=f"{self._stage.base_url}{place}/account",
            asked=handle,
            accounts=state.accounts.values(),
        )

    def _hinted(self, state: State, params: dict[str, str]) -> Account | None:
        hint = params.get(self._rule.hint_param, "") if self._rule.hint_param else ""
        return next((one for one in state.accounts.values() if hint in {one.sub, one.email}), None)

    def _chosen(self, state: State, handle: str, sub: str, *, place: str) -> Response:
        asked = state.asked.get(handle)
        if asked is None or sub not in state.accounts:
            return self._blocked("no such request")
        asked.sub = state.lies.switch_account or sub
        wanted = self._wanted(asked)
        already = state.consented.get(f"{asked.params['client_id']} {asked.sub}")
        is_known = already is not None and set(wanted) <= set(already)
        if (
            self._habits.remembers_consent
            and is_known
            and "consent" not in asked.params.get("prompt", "")
        ):
            del state.asked[handle]
            return self._issue(state, asked, wanted, shown=False)
        return consent.ask_consent(
            provider=self._entry.title,
            action=f"{self._stage.base_url}{place}/consent",
            asked=handle,
            client=state.clients[asked.params["client_id"]].name,
            scopes={scope: self._may_untick(scope) for scope in wanted},
        )

    def _issue(self, state: State, asked: Asked, granted: list[str], *, shown: bool) -> Response:
        params = asked.params
        key = f"{params['client_id']} {asked.sub}"
        together = list(dict.fromkeys([*state.consented.get(key, []), *granted]))
        state.consented[key] = together
        is_union = params.get("include_granted_scopes") in {"true", "user"}
        if self._entry.incremental == "implicit_union" or is_union:
            granted = together
        raw_code = f"{self._habits.code_prefix}{secrets.token_urlsafe(32)}"
        state.codes[raw_code] = Code(
            client_id=params["client_id"],
            sub=asked.sub,
            scopes=granted,
            redirect_uri=params.get("redirect_uri"),
            challenge=params.get("code_challenge", "") if self._rule.pkce else "",
            nonce=params.get("nonce", ""),
            offline=self._is_offline(params, granted, shown=shown),
            expires_at=self._stage.now(state) + dt.timedelta(minutes=10),
        )
        said = {"code": raw_code}
        if self._entry.incremental == "union_by_flag":
            said["scope"] = " ".join(granted)
        return self._back(state, asked, said)

    def _is_offline(self, params: dict[str, str], granted: list[str], *, shown: bool) -> bool:
        """Whether a refresh token comes of it: what asks for one was said, and seen."""
        asked_for = all(
            params.get(name) == value
            for name, value in self._rule.connect_params.items()
            if name in {"access_type", "token_access_type"}
        )
        offline = {"offline_access", "offline.access"}
        lasting = [scope for scope in self._rule.connect_scopes if scope in offline]
        is_seen = shown or not self._habits.refresh_when_shown
        return asked_for and is_seen and set(lasting) <= set(granted)

    def _back(self, state: State, asked: Asked, said: dict[str, str]) -> Response:
        registered = state.clients[asked.params["client_id"]].redirect_uris
        uri = asked.params.get("redirect_uri") or registered[0]
        honest = {"state": asked.params.get("state", ""), **said}
        if self._rule.sends_iss != "never":
            honest["iss"] = self._stage.base_url
        told = lied(honest, state.lies.callback)
        if self._rule.response_mode == "form_post":
            return consent.post_back(provider=self._entry.title, action=uri, fields=told)
        return wire.redirect(uri, told)

    def _wanted(self, asked: Asked) -> list[str]:
        raw = asked.params.get(self._rule.scope_param, "")
        return self._answers.canonical(raw.replace(",", " ").split())

    def _may_untick(self, scope: str) -> bool:
        identity = self._answers.canonical(
            ["openid", "profile", "email", *self._entry.identity_scopes]
        )
        return self._habits.unticks and scope not in identity

    def _problem(self, state: State, params: dict[str, str]) -> str:
        client = state.clients.get(params.get("client_id", ""))
        if client is None:
            return "invalid_client"
        if params.get("response_type") != "code":
            return "invalid_request"
        scoped = bool(self._rule.scope_separator) and self._entry.incremental != "implicit_union"
        if scoped and not params.get(self._rule.scope_param):
            return "invalid_request"
        for name, value in self._rule.params.items():
            if params.get(name) != value:
                return f"{name}={value} is required"
        return self._redirect_problem(client, params) or self._pkce_problem(params)

    def _redirect_problem(self, client: Client, params: dict[str, str]) -> str:
        uri = params.get("redirect_uri", "")
        if not uri:
            may_miss = self._habits.optional_redirect_uri and len(client.redirect_uris) == 1
            return "" if may_miss else "redirect_uri is missing"
        is_known = not client.redirect_uris or uri in client.redirect_uris
        return "" if is_known else "redirect_uri_mismatch"

    def _pkce_problem(self, params: dict[str, str]) -> str:
        if not params.get("code_challenge"):
            return "code_challenge is required" if self._habits.requires_pkce else ""
        return "" if params.get("code_challenge_method") == "S256" else "invalid_request"

    def _blocked(self, reason: str) -> Response:
        return consent.refused(provider=self._entry.title, reason=reason)
