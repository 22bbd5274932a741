"""The authorization of MCP: from an address that answers 401 to a tool's answer, and a refresh."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from limen.testing.node import node_path
from limen.testing.processes import Launch, answers, free_port
from limen.testing.processes import running as started
from limen.testing.visitor import Visitor
from tests.interop.conftest import REDIRECT_URI, Installation
from tests.interop.documents import CA, hosted
from tests.interop.node_scripts import FOLDER, run_script
from tests.servers import running

ROOT = Path(__file__).parent.parent.parent
CONFORMANCE = FOLDER / "node_modules/@modelcontextprotocol/conformance/dist/index.js"

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Notes:
    """A Limen, and an MCP server whose tokens come from it."""

    limen: Installation
    url: str
    document: str


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    folder = tmp_path_factory.mktemp("mcp")
    (folder / "ca.pem").write_bytes(CA.pem)
    document = {
        "client_name": "Reads notes",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }
    settings = {"LIMEN_CA_BUNDLE": str(folder / "ca.pem")}
    with (
        running(folder / "limen", settings=settings) as server,
        hosted(folder, "/clients/notes", **document) as client_id,
    ):
        limen = Installation(server)
        port = free_port()
        url = f"http://localhost:{port}/mcp"
        server.cli("resource", "create", url, "--scope", "notes:read")
        scopes = ["notes:read", "offline_access"]
        limen.administer("PATCH", "/policy", {"registration": {"mode": "open", "scopes": scopes}})
        command = [sys.executable, str(ROOT / "examples/mcp_server.py"), "--issuer", limen.issuer]
        launch = Launch(
            command=[*command, "--port", str(port)],
            log=folder / "notes.log",
            ready=lambda: answers(port),
            cwd=folder,
        )
        with started(launch):
            yield Notes(limen, url, client_id)


@dataclass
class Kept:
    """What the Python SDK keeps between two runs."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@pytest.fixture
async def browser(notes: Notes) -> AsyncIterator[Visitor]:
    async with Visitor(notes.limen.issuer) as visitor:
        yield visitor


@pytest.mark.parametrize("way", ["registers", "document"])
async def test_the_python_sdk_calls_a_tool(notes: Notes, browser: Visitor, way: str) -> None:
    asked: list[dict[str, str]] = []

    async def redirect(url: str) -> None:
        page = await browser.authorize(url, **notes.limen.person)
        assert page.status == 0, page.text[:800]
        asked.extend([dict(parse_qsl(urlsplit(url).query)), page.query])

    async def callback() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(**asked[-1])

    kept = Kept()
    metadata = OAuthClientMetadata(client_name="Python", redirect_uris=[AnyUrl(REDIRECT_URI)])
    provider = OAuthClientProvider(
        notes.url,
        metadata,
        kept,
        redirect,
        callback,
        client_metadata_url=notes.document if way == "document" else None,
    )
    async with httpx2.AsyncClient(auth=provider, timeout=30) as http:
        first = await _call(notes, http)
        old = kept.tokens
        provider.context.token_expiry_time = 1.0
        second = await _call(notes, http)
    assert first == second == notes.limen.subject
    assert len(asked) == 2
    assert asked[0]["resource"] == notes.url
    assert kept.client is not None
    assert (kept.client.client_id == notes.document) == (way == "document")
    assert old is not None
    assert kept.tokens is not None
    assert old.access_token != kept.tokens.access_token
    # Who registers without saying how gets a secret; only public clients' tokens rotate.
    assert (old.refresh_token != kept.tokens.refresh_token) == (way == "document")
    assert kept.tokens.scope == "notes:read offline_access"


async def _call(notes: Notes, http: httpx2.AsyncClient) -> str:
    async with Client(streamable_http_client(notes.url, http_client=http)) as client:
        told = await client.call_tool("whose")
    return str(told.content[0].text)  # type: ignore[union-attr]  # a text, as the tool says


async def test_the_example_refuses_tokens_for_another_resource(notes: Notes) -> None:
    machine = notes.limen.client("machine", scope="notes:read things:read")
    statuses = {}
    async with httpx2.AsyncClient(timeout=30) as http:
        for resource in (notes.url, "https://things.example/api"):
            answer = await http.post(
                f"{notes.limen.issuer}/oauth2/token",
                data={"grant_type": "client_credentials", "resource": resource},
                auth=(machine.client_id, machine.client_secret or ""),
            )
            headers = {
                "Authorization": f"Bearer {answer.json()['access_token']}",
                "Accept": "application/json, text/event-stream",
            }
            statuses[resource] = (await http.post(notes.url, headers=headers, json={})).status_code
    assert statuses == {notes.url: 400, "https://things.example/api": 401}


@pytest.mark.parametrize("way", ["registers", "document"])
def test_the_typescript_sdk_calls_a_tool(notes: Notes, way: str) -> None:
    told = run_script(
        "mcp_client.mjs",
        {
            "issuer": notes.limen.issuer,
            "url": notes.url,
            "document": notes.document if way == "document" else None,
            "redirectUri": REDIRECT_URI,
            "person": notes.limen.person,
        },
    )
    assert told == {
        "first": notes.limen.subject,
        "second": notes.limen.subject,
        "resource": notes.url,
        "byDocument": way == "document",
        "refreshed": True,
        "asked": 1,
    }


async def test_the_conformance_suite_finds_nothing_to_object_to(
    notes: Notes, browser: Visitor
) -> None:
    port = free_port()
    redirect_uri = f"http://127.0.0.1:{port}/callback"
    made = notes.limen.server.cli(
        *("client", "create", "conformance", "--type", "native", "--scope", "notes:read"),
        *("--redirect-uri", redirect_uri),
    )
    process = await asyncio.create_subprocess_exec(
        *(str(node_path()), str(CONFORMANCE), "authorization", "--url", notes.limen.issuer),
        *("--client-id", made["client_id"], "--resource", notes.url, "--port", str(port)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = ""
    async for line in process.stdout:
        said += line.decode()
        if line.startswith(b"http"):
            page = await browser.authorize(line.decode().strip(), **notes.limen.person)
            assert page.status == 0, page.text[:800]
            async with httpx2.AsyncClient() as http:
                await http.get(page.url)
    assert await process.wait() == 0, said
    assert "Total: 3 passed, 0 failed" in said, said
