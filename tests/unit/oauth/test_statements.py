from __future__ import annotations

import pytest

from limen.audit.record import record as audit
from tests.statements_seen import StatementsSeen
from tests.unit.oauth.http_kit import Server
from tests.unit.oauth.journey_kit import Browser, answered

pytestmark = pytest.mark.anyio
API = "https://things.example/api"


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> StatementsSeen:
    return StatementsSeen(monkeypatch)


@pytest.fixture(autouse=True)
def audited(server: Server) -> None:
    server.works.recorders = (*server.works.recorders, audit)


async def test_a_machines_own_token_takes_no_statement(
    server: Server, statements: StatementsSeen
) -> None:
    await server.resource(API)
    machine = await server.client("machine", scope=("read",))
    form = {"grant_type": "client_credentials", "scope": "read", "resource": API}
    assert (await server.post("/oauth2/token", machine, **form)).status_code == 200
    statements.clear()
    assert (await server.post("/oauth2/token", machine, **form)).status_code == 200
    assert statements.seen == []


async def test_a_code_exchange_takes_two_statements_and_the_audit_log(
    server: Server, statements: StatementsSeen
) -> None:
    client = await server.client()
    session, _ = await server.session(await server.person())
    for offline in ((), ("offline_access",)):
        scope = ("openid", "email", *offline)
        first = await server.code(client, session, scope=scope)
        second = await server.code(client, session, scope=scope)
        assert (await server.redeem(client, first)).status_code == 200
        statements.clear()
        answer = (await server.redeem(client, second)).json()
        assert {"access_token", "refresh_token", "id_token"} <= answer.keys()
        assert statements.seen == [
            "UPDATE codes",
            "INSERT grants",
            "INSERT audit_events",
        ]


async def test_a_refresh_takes_one_statement_and_the_audit_log(
    server: Server, statements: StatementsSeen
) -> None:
    client = await server.client("spa")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, scope=("email", "offline_access"))
    raw = (await server.redeem(client, code)).json()["refresh_token"]
    raw = (await server.refresh(client, raw)).json()["refresh_token"]
    statements.clear()
    assert (await server.refresh(client, raw)).status_code == 200
    assert statements.seen == ["UPDATE grants", "INSERT audit_events"]


async def test_an_introspection_takes_one_statement(
    server: Server, statements: StatementsSeen
) -> None:
    client = await server.client()
    session, _ = await server.session(await server.person())
    tokens = (await server.redeem(client, await server.code(client, session))).json()
    for kind, asked in (("access_token", "SELECT principals"), ("refresh_token", "SELECT grants")):
        statements.clear()
        assert (await server.introspect(client, tokens[kind]))["active"]
        assert statements.seen == [asked]


async def test_a_refresh_with_an_id_token_takes_no_further_statement(
    server: Server, statements: StatementsSeen
) -> None:
    client = await server.client("spa")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, scope=("openid", "email", "offline_access"))
    raw = (await server.redeem(client, code)).json()["refresh_token"]
    raw = (await server.refresh(client, raw)).json()["refresh_token"]
    statements.clear()
    assert "id_token" in (await server.refresh(client, raw)).json()
    assert statements.seen == ["UPDATE grants", "INSERT audit_events"]


async def test_a_code_for_who_is_signed_in_takes_three_statements_and_the_audit_log(
    journey: Server, statements: StatementsSeen
) -> None:
    journey.works.recorders = (*journey.works.recorders, audit)
    client, browser = await journey.client(), Browser(journey)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    answered(await browser.decide(page, "allow"))
    answered(await browser.ask(client))
    statements.clear()
    answered(await browser.ask(client))
    assert statements.seen == [
        "SELECT sessions",
        "SELECT consents",
        "INSERT codes",
        "INSERT audit_events",
    ]
