"""A Limen to measure: a real server, its clients, a person, a connection, codes to redeem."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.peers import CHEAP_HASH
from limen.settings.sections import LimitSettings
from limen.testing.visitor import Visitor
from tests.servers import PASSWORD, Server

EMAIL = "ada@example.org"
CALLBACK = "https://app.example/callback"
SCOPE = "openid email offline_access"
ENOUGH = "10000000/minute"
LIMITED = [each.upper() for each in LimitSettings.model_fields if each != "enabled"]


@dataclass(slots=True)
class Setting:
    """What the requests need."""

    server: Server
    visitor: Visitor
    web: dict[str, str] = field(default_factory=dict)
    spa: dict[str, str] = field(default_factory=dict)
    signed: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    bearer: str = ""
    connection: str = ""

    @property
    def port(self) -> int:
        """Where the server listens."""
        return self.server.port

    async def code(self, client: dict[str, str], *, scope: str = SCOPE) -> dict[str, str]:
        """Have a code issued; return the form that redeems it."""
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": client["client_id"],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": scope,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        url = f"/oauth2/authorize?{urlencode(query)}"
        page = await self.visitor.authorize(url, email=EMAIL, password=PASSWORD)
        return {
            "grant_type": "authorization_code",
            "code": page.query["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
            **credentials(client),
        }

    async def tokens(self, client: dict[str, str], *, scope: str = SCOPE) -> dict[str, Any]:
        """Have tokens issued."""
        form = await self.code(client, scope=scope)
        page = await self.visitor.fetch("POST", "/oauth2/token", form=form)
        assert page.status == 200, page.text
        return dict(page.json())


def credentials(client: dict[str, str]) -> dict[str, str]:
    """Return how a client authenticates in the body."""
    found = {"client_id": client["client_id"]}
    if client.get("client_secret"):
        found["client_secret"] = client["client_secret"]
    return found


@asynccontextmanager
async def setting(folder: Path, *, database_url: str = "") -> AsyncIterator[Setting]:
    """Start a server and set up all that is measured."""
    settings = {
        "LIMEN_PASSWORDS_MEMORY_KIB": str(CHEAP_HASH.memory_kib),
        "LIMEN_PASSWORDS_TIME_COST": str(CHEAP_HASH.passes),
        # One network asks all of it, counted as in production and never refused.
        **{f"LIMEN_LIMITS_{name}": ENOUGH for name in LIMITED},
    }
    server = Server(folder, database_url=database_url, cold=True, settings=settings)
    server.start()
    try:
        async with Visitor(server.base_url) as visitor:
            made = Setting(server, visitor)
            await _fill(made)
            yield made
    finally:
        server.stop()


async def _fill(made: Setting) -> None:
    server = made.server
    server.create_user(EMAIL)
    server.cli("resource", "create", "https://things.example/api", "--scope", "things:read")
    asks = ("--redirect-uri", CALLBACK, "--scope", SCOPE)
    made.web = server.cli("client", "create", "web", "--type", "web", *asks)
    made.spa = server.cli("client", "create", "spa", "--type", "spa", *asks)
    chosen = server.folder / "chosen.json"
    chosen.write_text(json.dumps({"id_token_signed_response_alg": "ES256"}))
    made.signed = server.cli(
        "client", "create", "signed", "--type", "web", *asks, "--metadata", str(chosen)
    )
    made.machine = server.cli(
        "client", "create", "machine", "--type", "machine", "--scope", "things:read"
    )
    await made.visitor.sign_in(EMAIL, PASSWORD)
    login = await made.visitor.fetch(
        "POST", "/api/v1/auth/login", body={"email": EMAIL, "password": PASSWORD}
    )
    made.bearer = login.json()["access_token"]
    made.connection = await _connect(made)


async def _connect(made: Setting) -> str:
    """Connect the simulated Google; return the connection's id."""
    headers = {"Authorization": f"Bearer {made.bearer}"}
    begun = await made.visitor.fetch(
        "POST",
        "/api/v1/oauth/google/connect",
        body={"features": ["calendar_read"]},
        headers=headers,
    )
    assert begun.status == 200, begun.text
    page = await made.visitor.open(begun.json()["link_url"])
    for button in (
        "connect-continue",
        "account-108000000000000000001",
        "allow",
        "confirm-connect",
    ):
        page = await made.visitor.press(page, button)
    listed = await made.visitor.fetch("GET", "/api/v1/oauth/connections", headers=headers)
    return str(listed.json()["items"][0]["id"])
