from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import uvicorn
from fastapi import FastAPI

from limen.testing.processes import free_port
from limen.testing.visitor import Visitor
from tests.patience import KEPT_SECONDS

EXAMPLES = Path(__file__).parents[3] / "examples"
PASSWORD = "a passphrase of the example"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.asynccontextmanager
async def _served(app: FastAPI, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(app, port=port, log_config=None, timeout_keep_alive=KEPT_SECONDS)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), task.result()
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task


async def test_a_person_of_limens_uses_the_hosts_routes(tmp_path: Path) -> None:
    port = free_port()
    app = _load("embed_fastapi").build(port=port, data_dir=tmp_path)
    async with _served(app, port), Visitor(f"http://localhost:{port}") as visitor:
        assert (await visitor.fetch("GET", "/reports")).status == 401
        await visitor.open("/auth/sign-up")
        page = await visitor.open("/auth/sign-up")
        typed = {"email": "ada@example.org", "password": PASSWORD}
        await visitor.press(page, "sign-up-submit", typed)
        page = await visitor.press(await visitor.open("/auth/sign-in"), "sign-in-submit", typed)
        assert page.status == 200, page.text[:500]
        answer = await visitor.fetch("GET", "/reports")
        assert answer.status == 200, answer.text
        assert (await visitor.fetch("GET", "/machine")).status == 401
        metadata = await visitor.fetch("GET", "/.well-known/oauth-protected-resource/auth")
        assert metadata.json()["authorization_servers"] == [f"http://localhost:{port}/auth"]


async def test_the_hosts_own_user_is_a_person_here_and_its_audit_hears_of_it(
    tmp_path: Path,
) -> None:
    port = free_port()
    app = _load("embed_own_users").build(port=port, data_dir=tmp_path)
    async with _served(app, port), Visitor(f"http://localhost:{port}") as visitor:
        assert (await visitor.fetch("GET", "/me")).status == 401
        assert (await visitor.fetch("POST", "/login?name=ada")).status == 200
        first = (await visitor.fetch("GET", "/me")).json()
        assert (await visitor.fetch("GET", "/me")).json() == first
        admin = await visitor.fetch("GET", "/auth/api/v1/admin/users")
        assert admin.status == 200, admin.text
        actions = (await visitor.fetch("GET", "/actions")).json()
        assert actions.count("account:user:created") >= 1
        assert "account:session:started" in actions


async def test_a_person_connects_google_and_reads_their_calendar(tmp_path: Path) -> None:
    port = free_port()
    app = _load("connect_google").build(port=port, data_dir=tmp_path)
    async with _served(app, port), Visitor(f"http://localhost:{port}") as visitor:
        assert (await visitor.fetch("GET", "/calendar")).status == 401
        typed = {"email": "ada@example.org", "password": PASSWORD}
        await visitor.press(await visitor.open("/auth/sign-up"), "sign-up-submit", typed)
        await visitor.press(await visitor.open("/auth/sign-in"), "sign-in-submit", typed)
        page = await visitor.open("/calendar")
        for button in (
            "connect-continue",
            "account-108000000000000000001",
            "allow",
            "confirm-connect",
        ):
            page = await visitor.press(page, button)
        assert page.status == 200, page.text[:500]
        calendars = (await visitor.fetch("GET", "/calendar")).json()
        assert [each["primary"] for each in calendars] == [True]
