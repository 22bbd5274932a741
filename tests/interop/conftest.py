"""A real server process for foreign clients, with the people and clients they need."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.servers import PASSWORD, Server, running

REDIRECT_URI = "http://127.0.0.1:9753/callback"
OWNER = "owner@example.org"
LOGOUT_URI = "http://127.0.0.1:9753/bye"


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as its author has it."""

    client_id: str
    client_secret: str | None


class Installation:
    """A running server and what was set up in it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.issuer = server.base_url
        self._token = ""
        self.subject: str = server.create_user("ada@example.org")["user_id"]
        server.cli("resource", "create", "https://things.example/api", "--scope", "things:read")

    @property
    def person(self) -> dict[str, str]:
        return {"email": "ada@example.org", "password": PASSWORD}

    def client(self, kind: str, *more: str, scope: str = "") -> Registered:
        """Register a client by the command line."""
        arguments = ["client", "create", f"interop {kind}", "--type", kind, *more]
        if kind != "machine":
            arguments += ["--redirect-uri", REDIRECT_URI, "--post-logout-redirect-uri", LOGOUT_URI]
            scope = scope or "openid profile email offline_access"
        arguments += ["--scope", scope or "things:read"]
        made: dict[str, Any] = self.server.cli(*arguments)
        return Registered(made["client_id"], made.get("client_secret"))

    def administer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Call the administration API as an owner."""
        if not self._token:
            self.server.create_user(OWNER, "--role", "owner")
            who = {"email": OWNER, "password": PASSWORD}
            self._token = self._call("POST", "/api/v1/auth/login", who)["access_token"]
        return self._call(method, f"/api/v1/admin{path}", body)

    def _call(self, method: str, path: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(
            self.issuer + path, json.dumps(body).encode(), headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield Installation(server)
