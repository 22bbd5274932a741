"""The vendors' own clients, pointed at the simulators, with tokens that the vault kept."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.testing.visitor import Visitor
from tests.servers import Server, running
from tests.vault_server import Holder

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"
ACCOUNTS = {
    "google": "117",
    "youtube": "118",
    "microsoft": "5a2f0d6e-0000-4000-8000-000000000119",
    "notion": "120",
    "github": "121",
    "slack": "T122:U122",
}
NAMED = {
    "google": "117@example.test",
    "youtube": "UC118",
    "microsoft": "5a2f0d6e-0000-4000-8000-000000000119",
    "notion": "page-120",
    "github": "121",
    "slack": "U122",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("vendors")) as server:
        server.create_user(EMAIL)
        yield server


async def test_each_vendors_client_finds_its_account(server: Server) -> None:
    async with Visitor(server.base_url) as browser:
        holder = Holder(server, browser)
        await holder.sign_in(EMAIL)
        tokens = {}
        for provider, account in ACCOUNTS.items():
            released = await holder.token(await holder.connect(provider, account))
            assert released.status == 200, released.text
            tokens[provider] = released.json()["access_token"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).parent / "vendor_sdks.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    order = {"base_url": f"{server.base_url}/dev/providers", "tokens": tokens}
    told, complaint = await process.communicate(json.dumps(order).encode())
    assert process.returncode == 0, complaint.decode()[-3000:]
    assert json.loads(told) == NAMED
