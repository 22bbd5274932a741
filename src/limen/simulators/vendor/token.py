"""The token endpoint: codes and refresh tokens become tokens, with the rotation the entry tells."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from limen.federation.catalogue.operation_entry import OperationEntry
from limen.simulators import wire
from limen.simulators.control import presented, withdraw
from limen.simulators.misbehave import answer
from limen.simulators.state import Client, Code, State, Token
from limen.simulators.vendor.answers import Answers
from limen.simulators.vendor.audience import MIXED, UNCONSENTED, consented_at, places_of
from limen.simulators.vendor.authentication import Sent, client_of, problem_of, read
from limen.simulators.vendor.errors import Errors, Refused
from limen.simulators.vendor.shape import Shape


class TokenEndpoint:
    """Exchange codes and refresh; one or two addresses, as the entry says."""

    def __init__(self, shape: Shape, *, answers: Answers, errors: Errors) -> None:
        self._shape = shape
        self._entry, self._habits, self._stage = shape.entry, shape.habits, shape.stage
        self._answers = answers
        self._errors = errors

    async def exchange(self, request: Request) -> Response:
        """Answer the address for codes, which most vendors refresh at too."""
        operations = self._entry.operations
        sent = await read(request, operations.exchange)
        if sent.text("grant_type") == "refresh_token":
            return await self._refreshed(await read(request, operations.refresh))
        return await self._exchanged(sent)

    async def refresh(self, request: Request) -> Response:
        """Answer an address that only refreshes."""
        return await self._refreshed(await read(request, self._entry.operations.refresh))

    async def _exchanged(self, sent: Sent) -> Response:
        operation = self._entry.operations.exchange

        def perform(state: State) -> Response:
            client = self._client(state, sent, operation)
            if isinstance(client, Response):
                return client
            return self._exchange(state, client, sent)

        return await answer(self._stage, "exchange", perform)

    async def _refreshed(self, sent: Sent) -> Response:
        operation = self._entry.operations.refresh

        def perform(state: State) -> Response:
            client = self._client(state, sent, operation)
            if isinstance(client, Response):
                return client
            return self._refresh(state, client, sent)

        return await answer(self._stage, "refresh", perform)

    def _client(self, state: State, sent: Sent, operation: OperationEntry) -> Client | Response:
        client = client_of(state, sent, operation, shape=self._shape)
        if client is None:
            return self._refuse(sent, "client_broken", "The client is not who it says.")
        problem = problem_of(sent, operation)
        return self._refuse(sent, "bad_request", problem) if problem else client

    def _exchange(self, state: State, client: Client, sent: Sent) -> Response:
        if sent.text("grant_type") != "authorization_code":
            return self._refuse(sent, "bad_request", "Unsupported grant_type.")
        code = state.codes.pop(sent.text("code"), None)
        if code is None or code.client_id != client.client_id:
            return self._refuse(sent, "bad_code", "The code is not known.")
        if code.expires_at <= self._stage.now(state):
            return self._refuse(sent, "bad_code", "The code has expired.")
        scopes = self._of_one(code.scopes, sent)
        if scopes is None:
            return self._errors.answer(sent.request, dict(MIXED), 400)
        problem = self._redirect_problem(code, sent)
        if problem:
            return self._refuse(sent, "bad_redirect", problem)
        problem = self._verifier_problem(code, sent)
        if problem:
            return self._refuse(sent, "bad_code", problem)
        if self._habits.one_installation:
            withdraw(state, code.sub, client_id=client.client_id)
        now = self._stage.now(state)
        token = Token(
            client_id=client.client_id,
            sub=code.sub,
            scopes=scopes,
            issued_at=now,
            granted_at=now,
            family=secrets.token_hex(8),
        )
        raw_refresh = self._new_refresh(state, token) if self._lasts(client, code) else None
        return self._issue(
            state,
            client,
            token,
            request=sent.request,
            raw_refresh=raw_refresh,
            nonce=code.nonce,
        )

    def _redirect_problem(self, code: Code, sent: Sent) -> str:
        uri = sent.text("redirect_uri") or None
        if self._entry.operations.exchange.redirect_uri == "never":
            return "redirect_uri must not be sent." if uri else ""
        return "" if uri == code.redirect_uri else "redirect_uri must be as it was authorized."

    def _verifier_problem(self, code: Code, sent: Sent) -> str:
        verifier = sent.text("code_verifier")
        if bool(code.challenge) != bool(verifier) and self._entry.operations.authorize.pkce:
            return "code_verifier does not fit the request."
        is_wrong = code.challenge and wire.challenge_of(verifier) != code.challenge
        return "code_verifier is not right." if is_wrong else ""

    def _lasts(self, client: Client, code: Code) -> bool:
        """Whether a refresh token is given."""
        return code.offline and (client.expires or not self._habits.expiry_is_a_choice)

    def _refresh(self, state: State, client: Client, sent: Sent) -> Response:
        raw = sent.text("refresh_token")
        old = state.refresh.get(raw)
        now = self._stage.now(state)
        alive = old is not None and old.client_id == client.client_id and self._works(old, now)
        presented(state, raw, accepted=alive)
        if old is None or not alive:
            return self._refuse(sent, "grant_dead", "The refresh token is not valid.")
        scopes = self._scopes_of(state, old, sent)
        if isinstance(scopes, dict):
            return self._errors.answer(sent.request, scopes, 400)
        token = old.model_copy(update={"issued_at": now, "scopes": scopes, "superseded_at": None})
        raw_refresh = self._rotated(state, client, raw)
        if self._entry.lifetime.kills_access_token or state.lies.refresh_kills_access:
            for name, held in list(state.access.items()):
                if held.family == old.family:
                    del state.access[name]
        return self._issue(
            state, client, token, request=sent.request, raw_refresh=raw_refresh, is_refresh=True
        )

    def _of_one(self, scopes: list[str], sent: Sent) -> list[str] | None:
        """Return the scopes that a request names, all if it names none; ``None`` of several."""
        asked = self._answers.canonical(sent.text("scope").split())
        wanted = [scope for scope in scopes if not asked or scope in asked]
        return wanted if len(places_of(self._entry, wanted)) <= 1 else None

    def _scopes_of(self, state: State, old: Token, sent: Sent) -> list[str] | dict[str, Any]:
        """Return what a refresh is for, of one resource; else the refusal."""
        asked = self._answers.canonical(sent.text("scope").split())
        if not asked or not self._entry.operations.refresh.send_scope:
            return old.scopes
        places = places_of(self._entry, asked)
        if len(places) > 1:
            return dict(MIXED)
        place = next(iter(places), "")
        if not place:
            return [scope for scope in old.scopes if scope in asked]
        agreed = state.consented.get(f"{old.client_id} {old.sub}", [])
        return consented_at(place, asked, agreed) or dict(UNCONSENTED)

    def _works(self, token: Token, now: dt.datetime) -> bool:
        if token.expires_at is not None and token.expires_at <= now:
            return False
        grace = dt.timedelta(seconds=self._entry.lifetime.grace_seconds)
        return token.superseded_at is None or now < token.superseded_at + grace

    def _rotated(self, state: State, client: Client, raw: str) -> str | None:
        """Do to the refresh token what a refresh does to it; return a new one, if one comes."""
        old, lifetime = state.refresh[raw], self._entry.lifetime
        now = self._stage.now(state)
        rotation = lifetime.rotation
        if rotation == "optional":
            rotation = "single_use" if client.expires else "static"
        if rotation in {"static", "may_omit"}:
            old.expires_at = self._end_of_refresh(old, now)
            return None
        if rotation == "single_use":
            if lifetime.grace_seconds:
                old.superseded_at = old.superseded_at or now
            else:
                del state.refresh[raw]
        return self._new_refresh(state, old.model_copy(update={"superseded_at": None}))

    def _new_refresh(self, state: State, token: Token) -> str:
        raw = f"{self._habits.refresh_prefix}{secrets.token_urlsafe(36)}"
        expires_at = self._end_of_refresh(token, self._stage.now(state))
        state.refresh[raw] = token.model_copy(update={"expires_at": expires_at})
        cap = self._entry.lifetime.token_cap
        if cap is not None and cap.of == "refresh_tokens":
            _drop_oldest(state.refresh, token, most=cap.most)
        return raw

    def _end_of_refresh(self, token: Token, now: dt.datetime) -> dt.datetime | None:
        ttl = self._entry.lifetime.refresh_ttl
        if ttl.seconds is None:
            return None
        since = (token.granted_at or now) if ttl.kind == "absolute_from_grant" else now
        return since + dt.timedelta(seconds=ttl.seconds)

    def _issue(  # noqa: PLR0913 -- what an answer is made of
        self,
        state: State,
        client: Client,
        token: Token,
        *,
        request: Request,
        raw_refresh: str | None,
        nonce: str = "",
        is_refresh: bool = False,
    ) -> Response:
        seconds = client.access_seconds or self._habits.access_seconds
        if self._habits.expiry_is_a_choice and not client.expires:
            seconds = None
        ends = None if seconds is None else token.issued_at + dt.timedelta(seconds=seconds)
        access = token.model_copy(update={"expires_at": ends})
        raw_access = f"{self._habits.access_prefix}{secrets.token_urlsafe(48)}"
        state.access[raw_access] = access
        cap = self._entry.lifetime.token_cap
        if cap is not None and cap.of == "access_tokens":
            _drop_oldest(state.access, token, most=cap.most)
        told = self._answers.tokens(
            state,
            client,
            access,
            raw_access=raw_access,
            raw_refresh=raw_refresh,
            is_refresh=is_refresh,
            seconds=seconds,
            nonce=nonce,
        )
        return self._errors.answer(request, told)

    def _refuse(self, sent: Sent, what: Refused, why: str) -> Response:
        return self._errors.refuse(sent.request, what, why)


def _drop_oldest(tokens: dict[str, Token], like: Token, *, most: int) -> None:
    """Keep the newest ones of an account at a client; the oldest die without a word."""
    held = [
        raw
        for raw, token in tokens.items()
        if (token.client_id, token.sub) == (like.client_id, like.sub)
    ]
    for raw in held[:-most]:
        del tokens[raw]
