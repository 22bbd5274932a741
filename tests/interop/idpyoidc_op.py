"""idpyoidc's OpenID provider as a server: ``python -m tests.interop.idpyoidc_op CONFIG``.

The library has no HTTP of its own. What stands here carries requests to its endpoints and answers
back, asks for a name and a password on a plain page, and counts what the tests want to know.
CONFIG is JSON: ``port``, ``clients``, ``folder`` for its keys.
"""

from __future__ import annotations

import html
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from idpyoidc.message.oauth2 import ResponseMessage
from idpyoidc.message.oidc import AccessTokenRequest, AuthorizationRequest
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.exception import ClientAuthenticationError
from idpyoidc.server.oidc.token import Token
from idpyoidc.server.user_authn.user import UserAuthnMethod, create_signed_jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from typing_extensions import override

PEOPLE = {
    "diana": {"name": "Diana Krall", "email": "diana@example.test", "email_verified": True},
    "eve": {"name": "Eve", "email": "eve@example.test"},
}
PASSWORDS = {"diana": "krall", "eve": "drops"}
_SECRETS = ["client_secret_basic", "client_secret_post"]


class PasswordPage(UserAuthnMethod):  # type: ignore[misc]  # idpyoidc ships no types
    """Ask for a name and a password; nobody is remembered."""

    url_endpoint = "/verify"

    def __call__(self, **kwargs: Any) -> str:
        keys = self.upstream_get("attribute", "keyjar")
        token = create_signed_jwt(self.upstream_get("context").issuer, keys, **kwargs)
        return (
            f'<!doctype html><form method="post" action="{self.url_endpoint}">'
            f'<input type="hidden" name="token" value="{html.escape(token)}">'
            '<input name="username"><input name="password" type="password">'
            '<button id="log-in">Log in</button></form>'
        )

    def verify(self, *_: Any, **typed: Any) -> str:
        name = str(typed.get("username", ""))
        return name if PASSWORDS.get(name) == typed.get("password") else ""


@dataclass
class Seen:
    """What happened at the token endpoints."""

    refreshes: int = 0
    refused: int = 0
    revocations: int = 0


def configuration(issuer: str, folder: Path) -> OPConfiguration:
    minting = ["access_token", "refresh_token"]
    endpoint = "idpyoidc.server.{}"
    keys = [{"type": "RSA", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}]
    secrets = [
        {"type": "oct", "bytes": 24, "use": ["enc"], "kid": each} for each in ("code", "refresh")
    ]
    paths = {
        "provider_info": (
            ".well-known/openid-configuration",
            "oidc.provider_config.ProviderConfiguration",
            None,
        ),
        "authorization": ("authorization", "oidc.authorization.Authorization", None),
        "token": ("token", "oidc.token.Token", _SECRETS),
        "userinfo": ("userinfo", "oidc.userinfo.UserInfo", ["bearer_header"]),
        "token_revocation": ("revocation", "oauth2.token_revocation.TokenRevocation", _SECRETS),
    }
    return OPConfiguration(
        {
            "issuer": issuer,
            "key_conf": {"key_defs": keys, "uri_path": "jwks.json"},
            "template_dir": str(folder),
            "authentication": {
                "user": {
                    "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocolPassword",
                    "class": PasswordPage,
                    "kwargs": {},
                }
            },
            "authz": {
                "class": "idpyoidc.server.authz.AuthzHandling",
                "kwargs": {
                    "grant_config": {
                        "usage_rules": {
                            "authorization_code": {
                                "supports_minting": [*minting, "id_token"],
                                "max_usage": 1,
                            },
                            "access_token": {"expires_in": 300},
                            "refresh_token": {
                                "supports_minting": [*minting, "id_token"],
                                "expires_in": 86_400,
                            },
                        },
                        "expires_in": 86_400,
                    }
                },
            },
            "add_on": {
                "pkce": {
                    "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                    "kwargs": {
                        "essential": True,
                        "code_challenge_methods": {
                            "S256": "idpyoidc.server.oauth2.add_on.pkce.S256"
                        },
                    },
                }
            },
            "endpoint": {
                name: {
                    "path": path,
                    "class": endpoint.format(kind),
                    "kwargs": {"client_authn_method": methods},
                }
                for name, (path, kind, methods) in paths.items()
            },
            "token_handler_args": {
                "key_conf": {"key_defs": secrets},
                "code": {"kwargs": {"lifetime": 60}},
                "token": {
                    "class": "idpyoidc.server.token.jwt_token.JWTToken",
                    "kwargs": {"lifetime": 300, "aud": [issuer]},
                },
                "refresh": {
                    "class": "idpyoidc.server.token.jwt_token.JWTToken",
                    "kwargs": {"lifetime": 86_400, "aud": [issuer]},
                },
                "id_token": {
                    "class": "idpyoidc.server.token.id_token.IDToken",
                    "kwargs": {"lifetime": 86_400},  # the tests move our clock, not this one
                },
            },
            "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db": PEOPLE}},
            "cookie_handler": {
                "class": "idpyoidc.server.cookie_handler.CookieHandler",
                "kwargs": {
                    "keys": {
                        "key_defs": [
                            {"type": "OCT", "use": ["enc"], "kid": "enc"},
                            {"type": "OCT", "use": ["sig"], "kid": "sig"},
                        ]
                    }
                },
            },
        }
    )


class Provider:
    """Requests to endpoints, and their answers back."""

    def __init__(self, issuer: str, clients: dict[str, Any], folder: Path) -> None:
        self.server = Server(configuration(issuer, folder))
        self.server.context.cdb.update(clients)
        self.seen = Seen()

    def endpoint(self, name: str) -> Any:
        async def handle(request: Request) -> Response:
            return self._answer(self.server.get_endpoint(name), request, await request.body())

        return handle

    def _answer(self, endpoint: Any, request: Request, body: bytes) -> Response:
        given = dict(parse_qsl(body.decode() if body else request.url.query))
        http_info = {
            "headers": dict(request.headers.items()),
            "method": request.method,
            "url": str(request.url),
            "cookie": [],
        }
        try:
            parsed = endpoint.parse_request(given, http_info=http_info)
            if _is_error(parsed):
                return self._refused(json.loads(parsed.to_json()), status=400)
            if isinstance(endpoint, Token):
                parsed = AccessTokenRequest(**parsed)
            told = endpoint.process_request(parsed, http_info=http_info)
        except ClientAuthenticationError as error:
            return self._refused({"error": "invalid_client", "error_description": str(error)}, 401)
        if "http_response" in told:
            return HTMLResponse(told["http_response"])
        if _is_error(told):
            return self._refused(json.loads(ResponseMessage(**told).to_json()), status=400)
        self._count(endpoint, given)
        return _said(endpoint, parsed, told)

    def _refused(self, error: dict[str, Any], status: int) -> Response:
        self.seen.refused += 1
        return JSONResponse(error, status)

    def _count(self, endpoint: Any, given: dict[str, str]) -> None:
        if given.get("grant_type") == "refresh_token":
            self.seen.refreshes += 1
        if endpoint.name == "token_revocation":
            self.seen.revocations += 1

    async def verify(self, request: Request) -> Response:
        """Take what was typed on the page."""
        typed = dict(parse_qsl((await request.body()).decode()))
        method = self.server.context.authn_broker.get_method_by_id("user")
        name = method.verify(**typed)
        if not name:
            return HTMLResponse("That is wrong.", 403)
        asked = method.unpack_token(typed["token"])
        wanted = AuthorizationRequest().from_urlencoded(asked["query"])
        endpoint = self.server.get_endpoint("authorization")
        session_id = endpoint.create_session(
            wanted, name, asked["authn_class_ref"], asked["iat"], method
        )
        told = endpoint.authz_part2(request=wanted, session_id=session_id)
        if _is_error(told):
            return self._refused(json.loads(told.to_json()), status=400)
        return _said(endpoint, wanted, told)

    async def keys(self, _: Request) -> Response:
        return Response(self.server.keyjar.export_jwks_as_json(), media_type="application/json")

    async def report(self, _: Request) -> Response:
        return JSONResponse(self.seen.__dict__)


def _is_error(message: Any) -> bool:
    return "error" in message


def _said(endpoint: Any, parsed: Any, told: Any) -> Response:
    info = endpoint.do_response(request=parsed, **told)
    headers = dict(info.get("http_headers") or [])
    if info.get("response_placement", endpoint.response_placement) == "url":
        return RedirectResponse(info["response"], 303)
    status = info.get("response_code", 200)
    return Response(info["response"], status, headers=headers)


def main() -> None:
    config = json.loads(sys.argv[1])
    issuer = f"http://127.0.0.1:{config['port']}"
    warnings.simplefilter("ignore")
    provider = Provider(issuer, config["clients"], Path(config["folder"]))
    names = {
        "/.well-known/openid-configuration": "provider_config",
        "/authorization": "authorization",
        "/token": "token",
        "/userinfo": "userinfo",
        "/revocation": "token_revocation",
    }
    routes = [
        Route(path, provider.endpoint(name), methods=["GET", "POST"])
        for path, name in names.items()
    ]
    routes += [
        Route("/verify", provider.verify, methods=["POST"]),
        Route("/jwks.json", provider.keys),
        Route("/seen", provider.report),
    ]

    class Announcing(uvicorn.Server):
        @override
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            print("ready", flush=True)

    served = uvicorn.Config(
        Starlette(routes=routes), host="127.0.0.1", port=config["port"], log_level="critical"
    )
    Announcing(served).run()


if __name__ == "__main__":
    main()
