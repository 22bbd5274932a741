from __future__ import annotations

import datetime as dt

import httpx2
import pytest

from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.rotate_client_secret import rotate_client_secret
from limen.protocol.jwt import peek
from limen.testing.clock import FrozenClock
from tests.unit.oauth.http_kit import Known, Server, refusal

pytestmark = pytest.mark.anyio

API = "https://api.example"


async def ask(server: Server, client: Known, **form: str) -> httpx2.Response:
    return await server.post("/oauth2/token", client, grant_type="client_credentials", **form)


async def test_issues_a_token_for_the_client_itself(server: Server) -> None:
    client = await server.client("machine", scope=("read", "write"))
    answer = await server.post("/oauth2/token", client, grant_type="client_credentials")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, "read write")
    token = peek(body["access_token"])
    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "ES256"
    assert token.claims["sub"] == token.claims["client_id"] == client.id
    assert token.claims["aud"] == token.claims["iss"] == server.site.issuer


async def test_takes_no_row_once_all_is_cached(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await server.client("machine", scope=("read",))
    await server.post("/oauth2/token", client, grant_type="client_credentials")

    async def refuse() -> object:
        raise AssertionError("a connection was taken")

    monkeypatch.setattr(server.works.database, "acquire", refuse)
    answer = await server.post("/oauth2/token", client, grant_type="client_credentials")
    assert answer.status_code == 200


async def test_a_token_is_for_the_resource_that_was_asked(server: Server) -> None:
    await server.resource(API)
    client = await server.client("machine", scope=("read", "write"))
    answer = await server.post(
        "/oauth2/token", client, grant_type="client_credentials", resource="HTTPS://API.example/"
    )
    assert answer.json()["scope"] == "read"
    assert peek(answer.json()["access_token"]).claims["aud"] == API


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"resource": "nonsense"}, "invalid_target"),
        ({"scope": "unknown"}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "openid profile email offline_access"}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
    ],
)
async def test_n107_refuses_what_the_client_may_not_have(
    server: Server, form: dict[str, str], code: str
) -> None:
    await server.resource(API)
    client = await server.client("machine", scope=("openid", "profile", "email", "read"))
    answer = await server.post("/oauth2/token", client, grant_type="client_credentials", **form)
    assert refusal(answer) == (400, code)


async def test_drops_unknown_scopes_and_says_so(server: Server) -> None:
    client = await server.client("machine", scope=("read",))
    answer = await server.post(
        "/oauth2/token", client, grant_type="client_credentials", scope="read unknown openid"
    )
    assert answer.json()["scope"] == "read"


async def test_a_resource_says_format_and_lifetime(server: Server) -> None:
    await server.resource(API, token_format="opaque", access_token_ttl=dt.timedelta(seconds=60))
    client = await server.client("machine", scope=("read",))
    answer = await server.post(
        "/oauth2/token", client, grant_type="client_credentials", resource=API
    )
    assert answer.json()["expires_in"] == 60
    assert answer.json()["access_token"].count(".") != 2
    told = await server.introspect(client, answer.json()["access_token"])
    assert (told["active"], told["aud"], told["client_id"]) == (True, API, client.id)


async def test_two_secrets_are_valid_while_one_is_rotated(
    server: Server, clock: FrozenClock
) -> None:
    old = await server.client("machine", scope=("read",))
    rotated = await server.run(
        lambda work: rotate_client_secret(
            work, client_id=old.id, old_valid_for=dt.timedelta(hours=1)
        )
    )
    new = Known(old.id, rotated.raw_secret.reveal())
    assert (await ask(server, old)).status_code == 200
    assert (await ask(server, new)).status_code == 200
    clock.advance(dt.timedelta(hours=1))
    assert refusal(await ask(server, old)) == (401, "invalid_client")
    assert (await ask(server, new)).status_code == 200


async def test_n067_a_disabled_client_gets_nothing(server: Server) -> None:
    client = await server.client("machine", scope=("read",))
    token = (await server.post("/oauth2/token", client, grant_type="client_credentials")).json()
    observer = await server.api()
    assert (await server.introspect(observer, token["access_token"]))["active"]
    await server.run(lambda work: disable_client(work, client_id=client.id))
    answer = await server.post("/oauth2/token", client, grant_type="client_credentials")
    assert refusal(answer) == (401, "invalid_client")
    assert not (await server.introspect(observer, token["access_token"]))["active"]
