"""Tokens for clients of people's own and for service accounts, as the entry's rules tell."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from limen.federation.catalogue.credential_rule import Credentials, ServiceAccountRule
from limen.simulators import wire
from limen.simulators.misbehave import Stage, answer
from limen.simulators.state import State, Token
from limen.simulators.vendor.authentication import decoded, read, verifies
from limen.simulators.vendor.places import path_of

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SECONDS: Final = 3600
_LONGEST_ASSERTION_SECONDS: Final = 3600
_Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Refused:
    error: str
    why: str


class Machines:
    """Answer token requests that no person stands behind.

    Args:
        rules: The entry's; ``None`` where it takes no credentials.
        stage: Where the vendor stands, and what it remembers.
    """

    def __init__(self, rules: Credentials | None, stage: Stage) -> None:
        self._client = None if rules is None else rules.client_credentials
        self._account = None if rules is None else rules.service_account
        self._stage = stage

    def routes(self, *, apart_from: str = "") -> list[Route]:
        """Return the addresses that are for machines alone."""
        paths = {path_of(rule.token.url) for rule in (self._client, self._account) if rule}
        return [
            Route(path, self.before(path, _nobody), methods=["POST"])
            for path in sorted(paths - {apart_from})
        ]

    def before(self, path: str, others: _Endpoint) -> _Endpoint:
        """Return an endpoint that takes machines' requests, and hands the others on."""

        async def endpoint(request: Request) -> Response:
            form = await wire.read_form(request)
            grant_type = form.get("grant_type")
            client, account = self._client, self._account
            if client and path_of(client.token.url) == path and grant_type == client.grant_type:
                return await self._by_secret(request)
            if account and path_of(account.token.url) == path and grant_type == _JWT_BEARER:
                return await self._by_assertion(request, account)
            return await others(request)

        return endpoint

    async def _by_secret(self, request: Request) -> Response:
        assert self._client is not None
        rule = self._client
        sent = await read(request, rule.token)
        basic = wire.basic_credentials(request)
        pair = (sent.text("client_id"), sent.text("client_secret"))
        if rule.token.client_auth == "basic":
            pair = basic or ("", "")

        def perform(state: State) -> Response:
            client = state.clients.get(pair[0])
            known = [client.secret, *client.older_secrets] if client else []
            is_right = any(secrets.compare_digest(one.encode(), pair[1].encode()) for one in known)
            if not is_right or state.lies.secret_expired:
                return JSONResponse({"error": "invalid_client"}, 401)
            return self._issue(state, pair[0], sent.text(rule.scope_param or "scope"))

        return await answer(self._stage, "client_credentials", perform)

    async def _by_assertion(self, request: Request, rule: ServiceAccountRule) -> Response:
        sent = await read(request, rule.token)

        def perform(state: State) -> Response:
            found = self._signer(state, sent.text("assertion"), rule)
            if isinstance(found, _Refused):
                return JSONResponse({"error": found.error, "error_description": found.why}, 400)
            name, claims = found
            asked = claims if rule.scope_in == "assertion" else sent.fields or {}
            return self._issue(state, name, str(asked.get(rule.scope_param, "")))

        return await answer(self._stage, "service_account", perform)

    def _signer(
        self, state: State, raw_jwt: str, rule: ServiceAccountRule
    ) -> tuple[str, dict[str, Any]] | _Refused:
        """Check an assertion by hand, with no library of ours."""
        parts = raw_jwt.split(".")
        try:
            header, claims = (json.loads(decoded(part)) for part in parts[:2])
            signature = decoded(parts[2])
        except (ValueError, IndexError):
            return _Refused("invalid_grant", "The assertion can't be read.")
        name = str(claims.get("iss", ""))
        account = state.service_accounts.get(name)
        signed = ".".join(parts[:2]).encode()
        if account is None or not verifies(
            account.public_key, header.get("alg"), signed=signed, signature=signature
        ):
            return _Refused("invalid_grant", "Invalid JWT signature.")
        reader = rule.audience or f"{self._stage.base_url}{path_of(rule.token.url)}"
        now = self._stage.now(state).timestamp()
        if claims.get("aud") != reader or not self._is_fresh(claims, now=now):
            return _Refused("invalid_grant", "The assertion is for another, or not for now.")
        whom = claims.get("sub", "" if rule.subject == "impersonated" else None)
        if whom not in {name, "", *account.may_speak_for}:
            return _Refused("unauthorized_client", "The account may not speak for this person.")
        if rule.has_jti:
            if not claims.get("jti") or claims["jti"] in state.assertions:
                return _Refused("invalid_grant", "The assertion was read before.")
            state.assertions.append(claims["jti"])
        return whom or name, claims

    def _is_fresh(self, claims: dict[str, Any], *, now: float) -> bool:
        until, since = claims.get("exp", 0), claims.get("iat", 0)
        return bool(now < until <= since + _LONGEST_ASSERTION_SECONDS and since <= now + 60)

    def _issue(self, state: State, sub: str, scope: str) -> Response:
        now = self._stage.now(state)
        raw = f"simulated-machine-{secrets.token_urlsafe(32)}"
        state.access[raw] = Token(
            client_id=sub,
            sub=sub,
            scopes=scope.split(),
            expires_at=now + dt.timedelta(seconds=_SECONDS),
            issued_at=now,
        )
        told = {"access_token": raw, "token_type": "Bearer", "expires_in": _SECONDS}
        return JSONResponse(told)


async def _nobody(_: Request) -> Response:
    return JSONResponse({"error": "unsupported_grant_type"}, 400)
