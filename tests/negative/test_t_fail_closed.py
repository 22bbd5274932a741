"""Cases S and T over a whole installation: canaries, dumps, restarts, a lost database."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from limen.db.work import Work
from limen.kernel.errors import ConfigurationError, Unavailable
from limen.kernel.events import Event
from limen.observe import logs
from limen.settings.sections import LogSettings
from tests.at_provider import connect
from tests.conftest import SERVICES
from tests.databases import Services
from tests.installation import PASSWORD, Installation, Person, new_address
from tests.oauth_client import Flow
from tests.standings import Plan, copied, standing


@pytest.fixture
async def own_limen(prepared: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    plan = Plan(folder=tmp_path, database_url=copied(prepared, tmp_path))
    async with standing(plan) as running:
        yield running


async def _live_through_everything(limen: Installation) -> list[str]:
    """Do what people and clients do; return every secret that was about."""
    person, flow = await limen.person(), Flow(limen, await limen.client())
    await person.sign_in()
    page = await flow.authorize(person)
    code = page.query["code"]
    made = (await flow.redeem(code)).json()
    rotating = Flow(limen, await limen.client("spa"))
    public = await rotating.tokens(person)
    again = (await rotating.refresh(public["refresh_token"])).json()
    pair = await limen.login(person)
    await connect(limen, person)
    [connection] = (
        await person.api("GET", "/api/v1/oauth/connections", pair["access_token"])
    ).json()["items"]
    path = f"/api/v1/oauth/connections/{connection['id']}/token"
    upstream = (await person.api("GET", path, pair["access_token"])).json()["access_token"]
    await limen.api.fetch("POST", "/api/v1/auth/password/forgot", body={"email": person.email})
    link = await limen.link_to(person.email, "/reset-password")
    newcomer = new_address()
    body = {"email": newcomer, "password": PASSWORD + " too"}
    await limen.api.fetch("POST", "/api/v1/auth/register", body=body)
    verify = await limen.link_to(newcomer, "/verify-email")
    wrong = {"email": person.email, "password": "a wrong but secret phrase"}
    await limen.api.fetch("POST", "/api/v1/auth/login", body=wrong)
    await flow.redeem(code)
    await flow.refresh(made["refresh_token"] + "x")
    return [
        *(PASSWORD, PASSWORD + " too", wrong["password"], flow.client.secret, code, upstream),
        *(made["access_token"], made["refresh_token"], made["id_token"]),
        *(public["refresh_token"], again["refresh_token"], pair["refresh_token"]),
        *(link.partition("token=")[2], verify.partition("token=")[2]),
        *(value for value in person.browser.cookies().values()),
    ]


async def test_n241_no_secret_reaches_a_log(own_limen: Installation) -> None:
    out = io.StringIO()
    before = logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure(LogSettings(level="debug"), stream=out, libraries=True)
    root.setLevel(logging.DEBUG)
    try:
        secrets = await _live_through_everything(own_limen)
        logging.getLogger("library").warning("sent %s", f"Bearer {secrets[6]}")
    finally:
        logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text = before
        root.handlers[:] = handlers
        root.setLevel(level)
    written = out.getvalue()
    assert written
    for secret in secrets:
        assert secret not in written, written[max(0, written.find(secret) - 200) :][:400]


async def test_n241_no_secret_reaches_the_audit_log(own_limen: Installation) -> None:
    secrets = await _live_through_everything(own_limen)
    admin = await own_limen.person(role="owner")
    token = (await own_limen.login(admin))["access_token"]
    told, cursor = "", ""
    while True:
        page = await admin.api("GET", f"/api/v1/admin/audit?limit=200&cursor={cursor}", token)
        assert page.status == 200, page.text
        told += page.text
        cursor = page.json()["next_cursor"]
        if not cursor:
            break
    assert "account:" in told
    for secret in secrets:
        assert secret not in told


async def test_n277_a_dump_of_the_database_is_worth_nothing(
    own_limen: Installation, tmp_path: Path
) -> None:
    secrets = await _live_through_everything(own_limen)
    mailbox = _mailbox_texts(tmp_path)
    dumped = _bytes_of(tmp_path)
    assert own_limen.site.tenant_id.encode() in dumped
    for secret in secrets:
        found = secret.encode() in dumped
        # The development mailbox is a mailbox: what was mailed lies there, and nowhere else.
        assert not found or any(secret in text for text in mailbox), secret[:12]
    assert b"BEGIN PRIVATE KEY" not in dumped
    assert b"BEGIN EC PRIVATE KEY" not in dumped


def _bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("limen.db*")))


def _mailbox_texts(folder: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / "limen.db")) as raw:
        return [str(row) for row in raw.execute("SELECT * FROM limen_mailbox")]


async def test_n278_a_wrong_key_does_not_start(prepared: Path, tmp_path: Path) -> None:
    plan = Plan(
        folder=tmp_path,
        database_url=copied(prepared, tmp_path),
        environment={"LIMEN_MASTER_KEY": "ff" + "0102030405060708090a0b0c0d0e0f10" * 1 + "aa" * 15},
    )
    with pytest.raises(ConfigurationError) as refused:
        async with standing(plan):
            raise AssertionError("it started")
    assert "ff0102" not in str(refused.value)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_n046_n256_a_restart_forgets_nothing(
    pytestconfig: pytest.Config, prepared: Path, tmp_path: Path, engine: str
) -> None:
    services: Services = pytestconfig.stash[SERVICES]
    if engine == "sqlite":
        await _restart(Plan(folder=tmp_path, database_url=copied(prepared, tmp_path)))
        return
    async with services.postgres_database(empty=True) as url:
        await _restart(Plan(folder=tmp_path, database_url=url))


async def _restart(plan: Plan) -> None:
    async with standing(plan) as limen:
        person, flow = await limen.person(), Flow(limen, await limen.client("spa"))
        code = await flow.code(person)
        first = (await flow.redeem(code)).json()
        second = (await flow.refresh(first["refresh_token"])).json()
        spent = await _spent_link(limen, person)
        wrong = {"email": person.email, "password": "wrong wrong wrong wrong"}
        for _ in range(5):
            await limen.api.fetch("POST", "/api/v1/auth/login", body=wrong)
    port = urlsplit(limen.root).port
    assert port is not None
    async with standing(dataclasses.replace(plan, port=port)) as limen:
        limen.clock.advance(seconds=11)
        flow = Flow(limen, flow.client)
        throttled = {"email": person.email, "password": person.password}
        answer = await limen.api.fetch("POST", "/api/v1/auth/login", body=throttled)
        assert (answer.status, "retry-after" in answer.headers) == (429, True)
        answer = await limen.api.fetch("POST", "/api/v1/auth/verify-email", body={"token": spent})
        assert (answer.status, answer.json()["code"]) == (422, "link_invalid")
        assert (await flow.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await flow.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await flow.redeem(code)).json()["error"] == "invalid_grant"


async def _spent_link(limen: Installation, person: Person) -> str:
    email = new_address()
    body: dict[str, Any] = {"email": email, "password": PASSWORD}
    await limen.api.fetch("POST", "/api/v1/auth/register", body=body)
    token = (await limen.link_to(email, "/verify-email")).partition("token=")[2]
    done = await limen.api.fetch("POST", "/api/v1/auth/verify-email", body={"token": token})
    assert done.status == 200
    return token


@pytest.mark.parametrize("is_hosts", [False, True], ids=["own pool", "host's engine"])
async def test_n092_n248_without_its_database_it_says_so_and_comes_back(
    pytestconfig: pytest.Config, tmp_path: Path, *, is_hosts: bool
) -> None:
    services: Services = pytestconfig.stash[SERVICES]
    async with services.postgres_database(empty=True) as url:
        plan = Plan(folder=tmp_path, database_url=url)
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        if is_hosts:
            options = {"engine": engine}
            plan = dataclasses.replace(plan, standing="mounted", options=options)
        async with _disposed(engine), standing(plan) as limen:
            person, flow = await limen.person(), Flow(limen, await limen.client())
            made = await flow.tokens(person)
            code = await flow.code(person)
            await _switch(url, "false")
            for answer in (
                await flow.redeem(code),
                await flow.refresh(made["refresh_token"]),
                await flow.revoke(made["refresh_token"]),
                await limen.post("/oauth2/introspect", flow.client, token=made["access_token"]),
                await flow.userinfo(made["access_token"]),
                await limen.api.fetch(
                    "POST",
                    "/api/v1/auth/login",
                    body={"email": person.email, "password": person.password},
                ),
                await person.browser.fetch("GET", "/account", headers={"Accept": "text/html"}),
                await limen.api.fetch("GET", "/readyz"),
            ):
                assert answer.status == 503, (answer.url, answer.status, answer.text)
                assert int(answer.headers["retry-after"]) <= 10
                assert "access_token" not in answer.text
                assert "asyncpg" not in answer.text
                assert "postgres" not in answer.text.lower()
            assert (await limen.api.fetch("GET", "/healthz")).status == 200
            await _switch(url, "true")
            assert (await flow.redeem(code)).status == 200
            assert (await flow.refresh(made["refresh_token"])).status == 200
            assert (await limen.api.fetch("GET", "/readyz")).status in {200, 503}


@contextlib.asynccontextmanager
async def _disposed(engine: AsyncEngine) -> AsyncIterator[None]:
    yield
    await engine.dispose()


async def _switch(url: str, allowed: str) -> None:
    """Let nobody connect, and end who is; or let them again."""
    parts = urlsplit(url)
    name = parts.path.strip("/")
    admin = await asyncpg.connect(parts._replace(path="/postgres").geturl())
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")
    if allowed == "false":
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
    await admin.close()


async def test_n253_what_can_not_be_told_does_not_happen(prepared: Path, tmp_path: Path) -> None:
    broken: list[bool] = []

    async def on_event(work: Work, event: Event) -> None:
        if broken:
            raise Unavailable("audit_sink_down")

    plan = Plan(
        folder=tmp_path,
        database_url=copied(prepared, tmp_path),
        standing="mounted",
        options={"on_event": on_event},
    )
    async with standing(plan) as limen:
        admin = await limen.person(role="owner")
        token = (await limen.login(admin))["access_token"]
        broken.append(True)
        body = {"name": "Unheard", "redirect_uris": ["https://app.example/cb"]}
        answer = await admin.api("POST", "/api/v1/admin/clients", token, body)
        assert answer.status == 503, answer.text
        broken.clear()
        listed = await admin.api("GET", "/api/v1/admin/clients?limit=200", token)
        assert "Unheard" not in listed.text


async def test_n257_tokens_of_before_a_rotation_stay_good(own_limen: Installation) -> None:
    person, flow = await own_limen.person(), Flow(own_limen, await own_limen.client())
    before = await flow.tokens(person)
    admin = await own_limen.person(role="owner")
    token = (await own_limen.login(admin))["access_token"]
    rotated = await admin.api("POST", "/api/v1/admin/keys/rotate", token, {"alg": "ES256"})
    assert rotated.status in {200, 201, 204}, rotated.text
    after = await flow.tokens(person)
    for made in (before, after):
        assert await flow.is_active(made["access_token"])
        assert (await flow.userinfo(made["access_token"])).status == 200
    assert (await admin.api("GET", "/api/v1/auth/me", token)).status == 200
