"""SECURITY-CASES N242, N248, N249, N254, N262, N278 with real processes that really stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from limen.testing.postgres import PostgresServer, postgres
from limen.testing.valkey import ValkeyServer, valkey
from tests import patience
from tests.servers import PASSWORD, Server, running

pytestmark = pytest.mark.anyio
EMAIL = "ada@outages.example"
BASE_SECRET = "Kan4ri-in-an-address"


class Caller:
    """A program that talks to a server."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.server, self.http = server, http

    async def post(self, path: str, **sent: Any) -> tuple[int, dict[str, str], str]:
        """Send; return status, headers and text."""
        async with self.http.post(self.server.base_url + path, **sent) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, headers, await answer.text()

    async def login(
        self, password: str = PASSWORD, *, email: str = EMAIL, **more: Any
    ) -> tuple[int, dict[str, str], str]:
        """Sign in over JSON."""
        body = {"email": email, "password": password}
        return await self.post("/api/v1/auth/login", json=body, **more)

    async def pair(self) -> dict[str, Any]:
        """Sign in and return the tokens."""
        async with self.http.post(
            self.server.base_url + "/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}
        ) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())


@contextlib.asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Caller]:
    """Yield a program without cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Caller(server, http)


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    """A server of the test's own: it will be stopped."""
    with postgres() as server:
        yield server


class Errands:
    """What must say 503 without a database, and work with it: a list to run again and again."""

    def __init__(self, caller: Caller, machine: dict[str, str]) -> None:
        self.caller = caller
        self._robot = {
            "Authorization": aiohttp.encode_basic_auth(
                machine["client_id"], machine["client_secret"]
            )
        }
        self._pair: dict[str, Any] = {}
        self._machine_token = ""

    async def prepare(self) -> None:
        """Obtain what the errands need."""
        self._pair = await self.caller.pair()
        form = {"grant_type": "client_credentials"}
        _, _, text = await self.caller.post("/oauth2/token", data=form, headers=self._robot)
        self._machine_token = json.loads(text)["access_token"]

    @property
    def bearer(self) -> dict[str, str]:
        """The owner's header."""
        return {"Authorization": f"Bearer {self._pair['access_token']}"}

    async def run(self) -> list[tuple[int, dict[str, str], str]]:
        """Log in, refresh, revoke, write."""
        post = self.caller.post
        refresh = {"refresh_token": self._pair["refresh_token"]}
        client = {"name": "Half written", "redirect_uris": ["https://app.example/cb"]}
        revoke = {"token": self._machine_token}
        return [
            await self.caller.login(),
            await post("/api/v1/auth/refresh", json=refresh),
            await post("/oauth2/revoke", data=revoke, headers=self._robot),
            await post("/api/v1/admin/clients", json=client, headers=self.bearer),
        ]

    async def clients(self) -> str:
        """The list of clients."""
        url = f"{self.caller.server.base_url}/api/v1/admin/clients?limit=200"
        async with self.caller.http.get(url, headers=self.bearer) as answer:
            return await answer.text()


async def _see_it_down(errands: Errands, port: int) -> None:
    async with asyncio.timeout(patience.SECONDS):  # each gives up by itself, none hangs
        answers = await errands.run()
    for status, headers, text in answers:
        assert status == 503, (status, text)
        assert 1 <= int(headers["retry-after"]) <= 2
        assert "postgres" not in text.lower()
        assert str(port) not in text
    assert await _status(errands.caller, "/healthz") == 200
    assert await _status(errands.caller, "/readyz") == 503


async def test_n248_a_stopped_database_is_said_and_its_return_is_noticed(
    database: PostgresServer, tmp_path: Path
) -> None:
    with running(tmp_path, database_url=database.url()) as server:
        server.create_user(EMAIL, "--role", "owner")
        machine = server.cli("client", "create", "robot", "--type", "machine", "--scope", "a")
        async with calling(server) as caller:
            errands = Errands(caller, machine)
            await errands.prepare()
            for end in (database.stop, database.kill):
                end()
                await _see_it_down(errands, database.port)
                database.start()
                await _until_well(caller)
            assert "Half written" not in await errands.clients()
            assert [status for status, _, _ in await errands.run()] == [200, 200, 200, 201]
            assert "Half written" in await errands.clients()
        assert "Traceback" not in server.log
        assert server.stop() == 0


async def _status(caller: Caller, path: str) -> int:
    async with caller.http.get(caller.server.base_url + path) as answer:
        return answer.status


async def _until_well(caller: Caller) -> None:
    """Ask until it signs people in again."""

    async def is_well() -> bool:
        status, _, text = await caller.login()
        assert status in {200, 503}, text
        return status == 200 and await _status(caller, "/readyz") == 200

    await patience.until(is_well, "it does not recover")


@pytest.fixture
def cache() -> Iterator[ValkeyServer]:
    with valkey() as server:
        yield server


async def test_n249_without_valkey_every_limit_still_holds(
    cache: ValkeyServer, tmp_path: Path
) -> None:
    settings = {"LIMEN_REDIS_URL": cache.url, "LIMEN_LIMITS_RECOVER": "6/hour"}
    with running(tmp_path, settings=settings) as server:
        server.create_user(EMAIL)
        async with calling(server) as caller:
            forgot = {"json": {"email": EMAIL}}
            for _ in range(3):
                assert (await caller.post("/api/v1/auth/password/forgot", **forgot))[0] < 300
            cache.stop()
            told = [(await caller.post("/api/v1/auth/password/forgot", **forgot)) for _ in range(6)]
            assert [status for status, _, _ in told[:3]] == [told[0][0]] * 3
            for status, headers, _ in told[3:]:
                assert (status, "retry-after" in headers) == (429, True)

            # Guesses are counted in the database, whatever happens to the cache.
            statuses = [(await caller.login(f"a wrong guess {n}"))[0] for n in range(12)]
            assert statuses[0] == 401
            assert statuses[-1] == 429
            assert await _status(caller, "/readyz") == 200
            cache.start()
            assert (await caller.post("/api/v1/auth/password/forgot", **forgot))[0] == 429
        assert "Traceback" not in server.log
        assert server.stop() == 0


def _refused(server: Server, *command: str) -> str:
    """Run a command that must not work; return what it said."""
    done = server.run_cli(*command, stdin=PASSWORD)
    said = done.stdout + done.stderr
    assert done.returncode not in {0, None}, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_n278_another_master_key_is_refused_in_one_line(tmp_path: Path, command: str) -> None:
    server = Server(tmp_path)
    server.cli("migrate")
    other = secrets.token_hex(32)
    server.environment["LIMEN_MASTER_KEY"] = other
    said = _refused(server, command)
    assert other not in said
    assert "key" in said.lower()
    if command == "serve":
        assert len([line for line in said.splitlines() if "…" not in line and line.strip()]) == 1


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://limen:{BASE_SECRET}@127.0.0.1:1/limen",
        f"postgresql://limen:{BASE_SECRET}@db.invalid/limen",
        f"postgresql://limen:{BASE_SECRET}@127.0.0.1:notaport/limen",
        f"mysql://limen:{BASE_SECRET}@127.0.0.1/limen",
        f"postgresql://limen:{BASE_SECRET}@127.0.0.1",
    ],
)
def test_n242_a_wrong_database_address_is_told_without_its_password(
    tmp_path: Path, url: str
) -> None:
    said = _refused(Server(tmp_path, database_url=url), "serve")
    assert BASE_SECRET not in said
    assert "database" in said.lower()


def test_n242_nor_does_a_command_show_it(tmp_path: Path) -> None:
    url = f"postgresql://limen:{BASE_SECRET}@127.0.0.1:1/limen"
    server = Server(tmp_path, database_url=url)
    said = _refused(server, "user", "create", EMAIL, "--password-stdin")
    assert BASE_SECRET not in said
    assert PASSWORD not in said
    assert "database" in said.lower()


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("LIMEN_REDIS_URL", f"redis://u:{BASE_SECRET}@127.0.0.1:notaport/0"),
        ("LIMEN_SMTP_URL", f"smtp://u:{BASE_SECRET}@/nowhere"),
    ],
)
def test_n242_so_are_wrong_addresses_of_neighbours(tmp_path: Path, name: str, url: str) -> None:
    said = _refused(Server(tmp_path, settings={name: url}), "serve")
    assert BASE_SECRET not in said
    assert name in said


def test_n262_production_names_all_that_is_unsafe_and_does_not_start(tmp_path: Path) -> None:
    unsafe = {
        "LIMEN_ENVIRONMENT": "production",
        "LIMEN_BASE_URL": "http://login.example.org",
        "LIMEN_LOG_LEVEL": "debug",
        "LIMEN_MASTER_KEY": "00" * 32,
        "LIMEN_NET_ALLOW": "0.0.0.0/0",
        "LIMEN_TRUSTED_PROXIES": "0.0.0.0/0",
        "LIMEN_DEVELOPMENT_MAILBOX": "true",
        "GOOGLE_CLIENT_ID": "it",
        "GOOGLE_CLIENT_SECRET": "changeme",
        "LIMEN_PASSWORDS_MEMORY_KIB": "1024",
    }
    said = _refused(Server(tmp_path, settings=unsafe), "serve")
    for name in set(unsafe) - {"LIMEN_ENVIRONMENT", "GOOGLE_CLIENT_ID"}:
        assert name in said, (name, said)
    assert "changeme" not in said
    assert not (tmp_path / "data" / "limen.db").exists()


def test_n262_a_setting_nobody_knows_stops_the_start(tmp_path: Path) -> None:
    said = _refused(Server(tmp_path, settings={"LIMEN_SESSION_IDEL_TTL": "1d"}), "serve")
    assert "LIMEN_SESSION_IDEL_TTL" in said


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_n254_what_was_accepted_is_answered_before_the_end(
    tmp_path: Path, workers: str
) -> None:
    settings = {"LIMEN_WORKERS": workers}
    with running(tmp_path, settings=settings) as server:
        async with calling(server) as caller:
            people = [f"person{n}@outages.example" for n in range(4)]
            for email in people:
                body = {"email": email, "password": PASSWORD}
                assert (await caller.post("/api/v1/auth/register", json=body))[0] < 300
            sent = asyncio.Queue[None]()
            trace = aiohttp.TraceConfig()

            async def note(*_: object) -> None:
                sent.put_nowait(None)

            trace.on_request_chunk_sent.append(note)
            async with aiohttp.ClientSession(trace_configs=[trace]) as http:
                busy = Caller(server, http)
                asked = [
                    asyncio.create_task(busy.login(email=email, expect100=True)) for email in people
                ]
                # A body is sent when the server asked for it: by then it is at the request.
                for _ in asked:
                    await sent.get()
                ended = asyncio.create_task(asyncio.to_thread(server.stop))
                answers = await asyncio.gather(*asked)
            assert [status for status, _, _ in answers] == [200] * 4
            assert await ended == 0
            with pytest.raises(aiohttp.ClientConnectorError):
                await _status(caller, "/healthz")
