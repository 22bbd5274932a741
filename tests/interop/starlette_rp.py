"""A relying party as Authlib's documentation has it for Starlette, and where it keeps its sessions."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.patience import KEPT_SECONDS

COOKIE = "starlette_rp"
Sessions = dict[str, dict[str, Any]]


class SessionMiddleware:
    """Gives each browser a session kept here; Starlette's own needs a package to sign cookies.

    Args:
        app: What is asked next.
        sessions: By the cookie's value.
    """

    def __init__(self, app: ASGIApp, *, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = HTTPConnection(scope).cookies.get(COOKIE, "")
        name = told if told in self._sessions else secrets.token_urlsafe()
        scope["session"] = self._sessions.setdefault(name, {})

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


@dataclass(slots=True)
class RelyingParty:
    """A website whose people sign in elsewhere.

    Args:
        base_url: Its origin.
        oauth: Authlib's registry; ``limen`` is registered once the client is known.
        sessions: Of every browser, for tests to meddle with.
    """

    base_url: str
    oauth: Any = field(default_factory=OAuth)
    sessions: Sessions = field(default_factory=dict)

    def register(self, *, issuer: str, client_id: str, client_secret: str | None) -> None:
        """Say who it is at the server."""
        self.oauth.register(
            "limen",
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid email", "code_challenge_method": "S256"},
        )

    def application(self) -> Starlette:
        """Return its pages."""
        routes = [
            Route("/login", self._login),
            Route("/callback", self._callback),
            Route("/", self._home),
            Route("/logout", self._logout),
            Route("/bye", self._bye),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(SessionMiddleware, sessions=self.sessions)],
            exception_handlers={OAuthError: _refused, JoseError: _refused},
        )

    async def _login(self, request: Request) -> Response:
        sent: Response = await self.oauth.limen.authorize_redirect(
            request, f"{self.base_url}/callback"
        )
        return sent

    async def _callback(self, request: Request) -> Response:
        token = await self.oauth.limen.authorize_access_token(request)
        request.session["claims"] = dict(token["userinfo"])
        request.session["id_token"] = token["id_token"]
        request.session["userinfo"] = dict(await self.oauth.limen.userinfo(token=token))
        return Response(status_code=302, headers={"location": "/"})

    async def _home(self, request: Request) -> Response:
        held = {name: request.session.get(name) for name in ("claims", "userinfo")}
        return JSONResponse(held)

    async def _logout(self, request: Request) -> Response:
        request.session.pop("claims")
        sent: Response = await self.oauth.limen.logout_redirect(
            request,
            post_logout_redirect_uri=f"{self.base_url}/bye",
            id_token_hint=request.session.pop("id_token"),
        )
        return sent

    async def _bye(self, request: Request) -> Response:
        return JSONResponse(await self.oauth.limen.validate_logout_response(request))


async def _refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": getattr(error, "error", "")}, status_code=400)


@contextlib.contextmanager
def serving() -> Iterator[RelyingParty]:
    """Serve one from a thread until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # who comes before the thread is ready waits, and is not refused
        party = RelyingParty(f"http://127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            party.application(),
            lifespan="off",
            ws="none",
            log_config=None,
            timeout_keep_alive=KEPT_SECONDS,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield party
        finally:
            server.should_exit = True
            thread.join(10)
