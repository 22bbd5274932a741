"""Google's token and revocation endpoints."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.kernel.clock import to_timestamp
from limen.simulators import wire
from limen.simulators.control import fingerprint, presented, withdraw
from limen.simulators.misbehave import Stage, answer, lied
from limen.simulators.state import Client, State, Token

ACCESS_TTL = dt.timedelta(seconds=3599)
_IDLE = dt.timedelta(days=182)
_CAP = 100


class TokenEndpoint:
    """Exchange codes, refresh, revoke."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def token(self, request: Request) -> Response:
        """Answer the token endpoint: form only, client by post or Basic."""
        if not request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return _error("invalid_request", "Content type must be a form.")
        form = await wire.read_form(request)
        basic = wire.basic_credentials(request)
        grant = form.get("grant_type", "")
        operation = {"authorization_code": "exchange", "refresh_token": "refresh"}.get(grant)
        if operation is None:
            return _error("unsupported_grant_type", f"Invalid grant_type: {grant}")

        def perform(state: State) -> Response:
            named = basic or (form.get("client_id", ""), form.get("client_secret", ""))
            client = state.clients.get(named[0])
            if client is None or not secrets.compare_digest(client.secret, named[1]):
                return _error("invalid_client", "Unauthorized", 401)
            if operation == "exchange":
                return self._exchange(state, client, form)
            return self._refresh(state, client, form.get("refresh_token", ""))

        return await answer(self._stage, operation, perform)

    async def revoke(self, request: Request) -> Response:
        """End the whole project's grant that a token belongs to, whichever token it is."""
        form = await wire.read_form(request)
        raw = form.get("token", "") or request.query_params.get("token", "")

        def perform(state: State) -> Response:
            token = state.refresh.get(raw) or state.access.get(raw)
            if token is None:
                return _error("invalid_token", "Token expired or revoked")
            state.revocations.append(fingerprint(raw))
            withdraw(state, token.sub, client_id=token.client_id)
            return JSONResponse({})

        return await answer(self._stage, "revoke", perform)

    def _exchange(self, state: State, client: Client, form: dict[str, str]) -> Response:
        code = state.codes.pop(form.get("code", ""), None)
        if code is None or code.client_id != client.client_id:
            return _error("invalid_grant", "Malformed auth code.")
        if code.expires_at <= self._stage.now(state):
            return _error("invalid_grant", "Code expired.")
        if code.redirect_uri != form.get("redirect_uri"):
            return _error("redirect_uri_mismatch", "Bad Request")
        verifier = form.get("code_verifier", "")
        if code.challenge and wire.challenge_of(verifier) != code.challenge:
            return _error("invalid_grant", "Invalid code verifier.")
        if verifier and not code.challenge:
            return _error("invalid_grant", "code_verifier is not needed.")
        body = self._issue(state, client, sub=code.sub, granted=code.scopes, nonce=code.nonce)
        if code.offline:
            raw_refresh = f"1//0{secrets.token_urlsafe(48)}"
            now = self._stage.now(state)
            state.refresh[raw_refresh] = Token(
                client_id=client.client_id,
                sub=code.sub,
                scopes=code.scopes,
                issued_at=now,
                expires_at=now + _IDLE,
            )
            _drop_oldest(state, client.client_id, code.sub)
            body["refresh_token"] = raw_refresh
        return JSONResponse(lied(body, state.lies.token_response))

    def _refresh(self, state: State, client: Client, raw: str) -> Response:
        token = state.refresh.get(raw)
        now = self._stage.now(state)
        alive = (
            token is not None
            and token.client_id == client.client_id
            and (token.expires_at is None or token.expires_at > now)
        )
        presented(state, raw, accepted=alive)
        if token is None or not alive:
            return _error("invalid_grant", "Token has been expired or revoked.")
        token.expires_at = now + _IDLE
        body = self._issue(state, client, sub=token.sub, granted=token.scopes)
        return JSONResponse(lied(body, state.lies.token_response))

    def _issue(
        self, state: State, client: Client, *, sub: str, granted: list[str], nonce: str = ""
    ) -> dict[str, Any]:
        raw_access = f"ya29.{secrets.token_urlsafe(64)}"
        now = self._stage.now(state)
        if state.lies.refresh_kills_access:
            state.access = {
                raw: token
                for raw, token in state.access.items()
                if (token.sub, token.client_id) != (sub, client.client_id)
            }
        state.access[raw_access] = Token(
            client_id=client.client_id,
            sub=sub,
            scopes=granted,
            issued_at=now,
            expires_at=now + ACCESS_TTL,
        )
        body: dict[str, Any] = {
            "access_token": raw_access,
            "expires_in": int(ACCESS_TTL.total_seconds()),
            "scope": " ".join(granted),
            "token_type": "Bearer",
        }
        if "openid" in granted:
            body["id_token"] = self._id_token(state, client, sub=sub, nonce=nonce)
        return body

    def _id_token(self, state: State, client: Client, *, sub: str, nonce: str) -> str:
        now = to_timestamp(self._stage.now(state))
        account = state.accounts[sub]
        claims: dict[str, Any] = {
            "iss": self._stage.base_url,
            "azp": client.client_id,
            "aud": client.client_id,
            "sub": sub,
            "email": account.email,
            "email_verified": account.email_verified,
            "name": account.name,
            "iat": now,
            "exp": now + 3600,
        }
        if account.hd:
            claims["hd"] = account.hd
        if nonce:
            claims["nonce"] = nonce
        claims = lied(claims, state.lies.id_token)
        return (
            wire.unsigned(claims)
            if state.lies.id_token_unsigned
            else wire.sign_rs256(state, claims)
        )


def _drop_oldest(state: State, client_id: str, sub: str) -> None:
    """Keep the newest hundred refresh tokens; the oldest die without a word."""
    held = [
        raw
        for raw, token in state.refresh.items()
        if (token.client_id, token.sub) == (client_id, sub)
    ]
    for raw in held[:-_CAP]:
        del state.refresh[raw]


def _error(code: str, description: str, status: int = 400) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status)
