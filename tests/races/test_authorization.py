"""Twenty callers over two processes: one answer to an interaction, one redemption of a code."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest

from limen.kernel.secret import Secret
from limen.protocol.pkce import s256
from limen.testing.processes import free_port
from tests.databases import Services
from tests.installation import basic
from tests.servers import PASSWORD, Server

pytestmark = pytest.mark.anyio
EMAIL = "ada@races.example"
CALLBACK = "https://app.example/cb"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CALLERS = 20


@dataclass
class Front:
    """A confidential client that leads people itself, at two processes."""

    urls: list[str]
    http: aiohttp.ClientSession
    headers: dict[str, str]
    client_id: str

    async def call(self, number: int, method: str, path: str, **sent: Any) -> tuple[int, Any]:
        url = self.urls[number % 2] + path
        async with self.http.request(method, url, headers=self.headers, **sent) as answer:
            return answer.status, await answer.json()

    async def waiting(self) -> str:
        """An interaction in which somebody has signed in and not yet agreed."""
        asked = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid offline_access",
            "code_challenge": s256(Secret(VERIFIER)),
            "code_challenge_method": "S256",
            "prompt": "consent",
        }
        status, opened = await self.call(0, "GET", f"/oauth2/authorize?{urlencode(asked)}")
        assert status == 200, opened
        path = f"/api/v1/interactions/{opened['id']}"
        credentials = {"email": EMAIL, "password": PASSWORD}
        status, state = await self.call(1, "POST", f"{path}/login", json=credentials)
        assert (status, state["status"]) == (200, "consent"), state
        return path

    async def race(self, *calls: tuple[str, str], **sent: Any) -> list[tuple[int, Any]]:
        """Let the callers go at once, spread over both processes."""
        chosen = [calls[number % len(calls)] for number in range(CALLERS)]
        return await asyncio.gather(
            *(
                self.call(number // len(calls), method, path, **sent)
                for number, (method, path) in enumerate(chosen)
            )
        )


@pytest.fixture
async def front(engine_name: str, services: Services, tmp_path: Path) -> AsyncIterator[Front]:
    async with contextlib.AsyncExitStack() as stack:
        url = ""
        if engine_name == "postgresql":
            url = await stack.enter_async_context(services.postgres_database(empty=True))
        first = Server(tmp_path, database_url=url)
        first.start()
        stack.callback(first.stop)
        first.create_user(EMAIL)
        made = first.cli(
            *("client", "create", "App", "--type", "web", "--redirect-uri", CALLBACK),
            *("--scope", "openid offline_access"),
        )
        second = Server(tmp_path, database_url=url)
        second.port = free_port()
        second.environment |= {"LIMEN_BASE_URL": first.base_url, "LIMEN_PORT": str(second.port)}
        second.base_url = f"http://localhost:{second.port}"
        second.start()
        stack.callback(second.stop)
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield Front(
            urls=[first.base_url, second.base_url],
            http=http,
            headers={
                "Accept": "application/json",
                **basic(made["client_id"], made["client_secret"]),
            },
            client_id=made["client_id"],
        )


def code_of(done: Any) -> str:
    return str(dict(parse_qsl(urlsplit(done["redirect_to"]).query))["code"])


async def test_one_answer_to_an_interaction(front: Front) -> None:
    for _ in range(3):
        path = await front.waiting()
        answers = await front.race(("POST", f"{path}/consent"), ("POST", f"{path}/deny"))
        statuses = Counter(status for status, _ in answers)
        assert statuses[200] == 1, statuses
        assert set(statuses) <= {200, 404, 409}


async def test_one_redemption_of_a_code_and_a_replay_ends_it(front: Front) -> None:
    path = await front.waiting()
    _, done = await front.call(0, "POST", f"{path}/consent")
    form = {
        "grant_type": "authorization_code",
        "code": code_of(done),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    answers = await front.race(("POST", "/oauth2/token"), data=form)
    assert Counter(status for status, _ in answers) == {200: 1, 400: CALLERS - 1}
    assert {body["error"] for status, body in answers if status == 400} == {"invalid_grant"}
    (tokens,) = [body for status, body in answers if status == 200]
    for name in ("access_token", "refresh_token"):
        sent = {"token": tokens[name]}
        _, told = await front.call(1, "POST", "/oauth2/introspect", data=sent)
        assert told["active"] is False


async def test_one_answer_to_a_pushed_request(front: Front) -> None:
    asked = {
        "client_id": front.client_id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": s256(Secret(VERIFIER)),
        "code_challenge_method": "S256",
        "prompt": "none",
    }
    for _ in range(3):
        status, pushed = await front.call(0, "POST", "/oauth2/par", data=asked)
        assert status == 201, pushed
        sent = {"client_id": front.client_id, "request_uri": pushed["request_uri"]}
        answers = await front.race(("GET", f"/oauth2/authorize?{urlencode(sent)}"))
        errors = Counter(body["error"] for _, body in answers)
        assert errors == {"login_required": 1, "invalid_request_uri": CALLERS - 1}
