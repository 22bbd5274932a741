from __future__ import annotations

import pytest

from tests.unit.oauth.http_kit import Known, Server, refusal

pytestmark = pytest.mark.anyio


async def tokens(server: Server, client: Known) -> dict[str, str]:
    session, _ = await server.session(await server.person())
    answer = await server.redeem(client, await server.code(client, session))
    return dict(answer.json())


async def test_a_refresh_token_takes_its_access_tokens_along(server: Server) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    sent = await server.post("/oauth2/revoke", client, token=made["refresh_token"])
    assert (sent.status_code, sent.content) == (200, b"")
    assert sent.headers["cache-control"] == "no-store"
    assert not (await server.introspect(client, made["refresh_token"]))["active"]
    assert not (await server.introspect(client, made["access_token"]))["active"]
    assert refusal(await server.refresh(client, made["refresh_token"])) == (400, "invalid_grant")


async def test_an_access_token_goes_alone(server: Server) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    sent = await server.post("/oauth2/revoke", client, token=made["access_token"])
    assert sent.status_code == 200
    assert not (await server.introspect(client, made["access_token"]))["active"]
    assert (await server.introspect(client, made["refresh_token"]))["active"]


async def test_a_clients_own_token_can_be_revoked(server: Server) -> None:
    client = await server.client("machine")
    made = await server.post("/oauth2/token", client, grant_type="client_credentials")
    raw = made.json()["access_token"]
    assert (await server.post("/oauth2/revoke", client, token=raw)).status_code == 200
    assert not (await server.introspect(client, raw))["active"]


@pytest.mark.parametrize("raw", ["x", "a.b.c", "lmr_testtenant_x", "\u00e9"])
async def test_rfc_7009_an_unknown_token_is_revoked_already(server: Server, raw: str) -> None:
    client = await server.client("web")
    for hint in ("", "access_token", "refresh_token", "nonsense"):
        sent = await server.post("/oauth2/revoke", client, token=raw, token_type_hint=hint)
        assert sent.status_code == 200


async def test_twice_is_fine(server: Server) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    for _ in range(2):
        sent = await server.post("/oauth2/revoke", client, token=made["refresh_token"])
        assert sent.status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("thief", ["web", "spa"])
async def test_n092_nobody_revokes_anothers_token(server: Server, kind: str, thief: str) -> None:
    client = await server.client("web")
    other = await server.client("spa" if thief == "spa" else "web")
    made = await tokens(server, client)
    sent = await server.post("/oauth2/revoke", other, token=made[kind])
    assert refusal(sent)[0] == 400
    assert (await server.introspect(client, made["access_token"]))["active"]
    assert (await server.introspect(client, made["refresh_token"]))["active"]


async def test_a_public_client_revokes_its_own(server: Server) -> None:
    client = await server.client("spa")
    made = await tokens(server, client)
    sent = await server.post("/oauth2/revoke", client, token=made["refresh_token"])
    assert sent.status_code == 200
    assert refusal(await server.refresh(client, made["refresh_token"])) == (400, "invalid_grant")


async def test_asks_who_is_calling(server: Server) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    for nobody in (None, Known(client.id), Known(client.id, "wrong")):
        sent = await server.post("/oauth2/revoke", nobody, token=made["refresh_token"])
        assert refusal(sent) == (401, "invalid_client")
    assert (await server.introspect(client, made["refresh_token"]))["active"]


async def test_o7_refuses_no_token_and_two(server: Server) -> None:
    client = await server.client("web")
    assert refusal(await server.post("/oauth2/revoke", client, x="y")) == (400, "invalid_request")
    empty = await server.post("/oauth2/revoke", client, token="")
    assert refusal(empty) == (400, "invalid_request")
    assert (await server.http.get("/oauth2/revoke")).status_code == 405
