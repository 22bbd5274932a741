"""GitHub, Microsoft and Apple as far as a journey goes: each checks what it is sent, as they do."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import Key, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TENANT = "11111111-2222-3333-4444-555555555555"
OID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"


@dataclass
class Vendors:
    """What they know, and what they were sent.

    Args:
        base_url: Where they stand.
        secrets: GitHub's live ones.
        keys: Of clients that sign: by ``x5t#S256`` or ``kid``.
        claims: Said of the person, beside what an ID token always says.
    """

    base_url: str = ""
    secrets: set[str] = field(default_factory=lambda: {"live"})
    keys: dict[str, Key] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    signing: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, parameters={"kid": "k", "use": "sig"})
    )

    def app(self) -> Starlette:
        post = ["POST"]
        return Starlette(
            routes=[
                Route("/github/login/oauth/access_token", self.github_token, methods=post),
                Route("/github/user", self.github_user),
                Route("/github/user/emails", self.github_emails),
                Route(
                    "/github/applications/{client}/grant", self.github_revoke, methods=["DELETE"]
                ),
                Route("/microsoft/{tenant}/oauth2/v2.0/token", self.microsoft_token, methods=post),
                Route("/microsoft/{tenant}/discovery/v2.0/keys", self.jwks),
                Route("/apple/auth/token", self.apple_token, methods=post),
                Route("/apple/auth/keys", self.jwks),
            ]
        )

    async def form(self, request: Request) -> dict[str, str]:
        sent = dict(parse_qsl((await request.body()).decode()))
        self.seen.append((request.url.path, sent))
        return sent

    async def github_token(self, request: Request) -> Response:
        sent = await self.form(request)
        assert request.headers["accept"] == "application/json"
        if sent["client_secret"] not in self.secrets:
            return JSONResponse({"error": "incorrect_client_credentials"})  # with status 200
        if sent["code"] != "good":
            return JSONResponse({"error": "bad_verification_code"})
        return JSONResponse(
            {"access_token": "gho_1", "scope": "read:user,user:email", "token_type": "bearer"}
        )

    async def github_user(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer gho_1"
        return JSONResponse({"id": 7, "login": "ada", "email": "forged@profile.example"})

    async def github_emails(self, _: Request) -> Response:
        rows = [
            {"email": "old@corp.example", "primary": False, "verified": True},
            {"email": "ada@corp.example", "primary": True, "verified": True},
        ]
        return JSONResponse(rows)

    async def github_revoke(self, request: Request) -> Response:
        scheme, _, encoded = request.headers["authorization"].partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except binascii.Error:
            given = ""
        client, _, secret = given.partition(":")
        known = scheme == "Basic" and client == request.path_params["client"]
        if not known or secret not in self.secrets:
            return JSONResponse({"message": "Bad credentials"}, 401)
        self.seen.append((request.url.path, await request.json()))
        return Response(status_code=204)

    async def microsoft_token(self, request: Request) -> Response:
        sent = await self.form(request)
        assert "client_secret" not in sent
        url = f"{self.base_url}{request.url.path}"
        if not self._is_signed(sent.get("client_assertion", ""), "x5t#S256", audience=url):
            body = {"error": "invalid_client", "error_codes": [700027]}
            return JSONResponse(body, 401)
        issuer = f"{self.base_url}/microsoft/{TENANT}/v2.0"
        said = {"tid": TENANT, "oid": OID, "sub": "pairwise", **self.claims}
        return JSONResponse(self._tokens(issuer, sent["client_id"], said))

    async def apple_token(self, request: Request) -> Response:
        sent = await self.form(request)
        audience = "https://appleid.apple.com"
        if not self._is_signed(sent.get("client_secret", ""), "kid", audience=audience):
            return JSONResponse({"error": "invalid_client"}, 400)
        said = {"sub": "001.a", "email": "x@privaterelay.appleid.com", "email_verified": "true"}
        return JSONResponse(self._tokens(f"{self.base_url}/apple", sent["client_id"], said))

    async def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.signing.as_dict(private=False)]})

    def _is_signed(self, token: str, name: str, *, audience: str) -> bool:
        if token.count(".") != 2:
            return False
        raw = token.split(".", maxsplit=1)[0]
        head = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode()
        key = next((key for known, key in self.keys.items() if f'"{name}":"{known}"' in head), None)
        if key is None:
            return False
        claims = jwt.decode(token, key, algorithms=["PS256", "ES256"]).claims
        return bool(claims["aud"] == audience)

    def _tokens(self, issuer: str, client_id: str, said: dict[str, Any]) -> dict[str, Any]:
        claims = {
            "iss": issuer,
            "aud": client_id,
            "nonce": self.nonce,
            "iat": self.now,
            "exp": self.now + 600,
            **said,
        }
        token = jwt.encode({"alg": "RS256", "kid": "k"}, claims, self.signing)
        return {"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "id_token": token}

    now: int = 0
