"""The routes of the simulated Google: discovery, keys, authorization, tokens, a few APIs."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from limen.simulators import wire
from limen.simulators.control import control
from limen.simulators.google import scopes
from limen.simulators.google.authorize import Authorize
from limen.simulators.google.token import TokenEndpoint
from limen.simulators.misbehave import Stage, answer, lied
from limen.simulators.state import Account, State, Token

_Tell = Callable[[Account, State], dict[str, object]]


def google(stage: Stage) -> Router:
    """Return the simulated Google, to be mounted at the path of ``stage.base_url``."""
    authorize = Authorize(stage)
    tokens = TokenEndpoint(stage)
    apis = _Apis(stage)
    return Router(
        [
            Route("/.well-known/openid-configuration", apis.discovery),
            Route("/oauth2/v3/certs", apis.keys),
            Route("/o/oauth2/v2/auth", authorize.start, methods=["GET"]),
            Route("/o/oauth2/v2/auth/account", authorize.choose, methods=["POST"]),
            Route("/o/oauth2/v2/auth/consent", authorize.decide, methods=["POST"]),
            Route("/token", tokens.token, methods=["POST"]),
            Route("/revoke", tokens.revoke, methods=["POST"]),
            Route("/v1/userinfo", apis.userinfo, methods=["GET", "POST"]),
            Route("/calendar/v3/users/me/calendarList", apis.calendars),
            Route("/drive/v3/files", apis.files),
            *control(stage),
        ]
    )


class _Apis:
    """Discovery, keys, UserInfo and two small APIs that answer to access tokens."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def discovery(self, _: Request) -> Response:
        base = self._stage.base_url
        body = {
            "issuer": base,
            "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
            "token_endpoint": f"{base}/token",
            "revocation_endpoint": f"{base}/revoke",
            "userinfo_endpoint": f"{base}/v1/userinfo",
            "jwks_uri": f"{base}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return await answer(self._stage, "discovery", lambda _: JSONResponse(body))

    async def keys(self, _: Request) -> Response:
        return await answer(
            self._stage, "keys", lambda state: JSONResponse({"keys": [wire.public_jwk(state)]})
        )

    async def userinfo(self, request: Request) -> Response:
        def tell(account: Account, state: State) -> dict[str, object]:
            honest = {
                "sub": account.sub,
                "name": account.name,
                "email": account.email,
                "email_verified": account.email_verified,
            }
            return lied(honest, state.lies.userinfo)

        return await self._api(request, "userinfo", any_of=frozenset({"openid"}), tell=tell)

    async def calendars(self, request: Request) -> Response:
        def tell(account: Account, _: State) -> dict[str, object]:
            mine = {"id": account.email, "summary": f"{account.name}'s calendar", "primary": True}
            return {"kind": "calendar#calendarList", "items": [mine]}

        return await self._api(request, "calendar", any_of=scopes.CALENDAR, tell=tell)

    async def files(self, request: Request) -> Response:
        def tell(account: Account, _: State) -> dict[str, object]:
            mine = {"id": f"file-{account.sub}", "name": "Notes", "mimeType": "text/plain"}
            return {"kind": "drive#fileList", "files": [mine]}

        return await self._api(request, "drive", any_of=scopes.DRIVE, tell=tell)

    async def _api(
        self, request: Request, operation: str, *, any_of: frozenset[str], tell: _Tell
    ) -> Response:
        raw = wire.bearer(request)

        def perform(state: State) -> Response:
            token = self._live(state, raw)
            if token is None:
                return _api_error(401, "UNAUTHENTICATED", "Invalid credentials.")
            if not any_of & set(token.scopes):
                return _api_error(403, "PERMISSION_DENIED", "Insufficient scopes.")
            return JSONResponse(tell(state.accounts[token.sub], state))

        return await answer(self._stage, operation, perform)

    def _live(self, state: State, raw: str) -> Token | None:
        token = state.access.get(raw)
        if token is None or (token.expires_at and token.expires_at <= self._stage.now(state)):
            return None
        return token


def _api_error(status: int, reason: str, message: str) -> Response:
    body = {"error": {"code": status, "status": reason, "message": message}}
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if status == 401 else {}
    return JSONResponse(body, status, headers=headers)
