from __future__ import annotations

import datetime as dt

import pytest
from joserfc.jwk import RSAKey

from limen.accounts.change_profile import change_profile
from limen.kernel.errors import InvalidInput, NotFound
from limen.oauth.introspection.bind_resources import bind_resources
from limen.protocol.jwe import decrypt
from limen.protocol.jwt import Expected, verify
from limen.testing.clock import FrozenClock
from tests.unit.oauth.exchange_kit import claims_of, header_of
from tests.unit.oauth.http_kit import Known, Server, refusal

pytestmark = pytest.mark.anyio


async def tokens(server: Server, client: Known) -> dict[str, str]:
    session, _ = await server.session(await server.person())
    answer = await server.redeem(client, await server.code(client, session))
    return dict(answer.json())


async def test_tells_an_api_about_the_token_it_was_shown(server: Server) -> None:
    client, api = await server.client("web"), await server.api()
    made = await tokens(server, client)
    told = await server.introspect(api, made["access_token"])
    assert told["active"] is True
    assert told["iss"] == told["aud"] == server.site.issuer
    assert told["client_id"] == client.id
    assert told["scope"] == "openid email read"
    assert told["token_type"] == "Bearer"
    assert told["exp"] - told["iat"] == 900
    assert {"sub", "jti", "auth_time"} <= set(told)


async def test_tells_a_client_about_its_own_tokens(server: Server) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    assert (await server.introspect(client, made["access_token"]))["active"]
    assert (await server.introspect(client, made["refresh_token"]))["active"]


async def test_tells_nobody_else(server: Server) -> None:
    client, api, other = (
        await server.client("web"),
        await server.api(),
        await server.client("web"),
    )
    made = await tokens(server, client)
    assert (await server.introspect(api, made["access_token"]))["active"]
    assert await server.introspect(api, made["refresh_token"]) == {"active": False}
    assert await server.introspect(other, made["access_token"]) == {"active": False}
    assert await server.introspect(other, made["refresh_token"]) == {"active": False}


@pytest.mark.parametrize("raw", ["x", "a.b.c", "lmc_testtenant_x", "\u00e9", "e30.e30.e30"])
async def test_of_what_is_no_token_it_says_only_inactive(server: Server, raw: str) -> None:
    assert await server.introspect(await server.client("machine"), raw) == {"active": False}


async def test_an_id_token_is_no_access_token(server: Server) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    assert await server.introspect(client, made["id_token"]) == {"active": False}


async def test_an_expired_token_is_inactive(server: Server, clock: FrozenClock) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    clock.advance(dt.timedelta(minutes=15))
    assert await server.introspect(client, made["access_token"]) == {"active": False}


async def test_is_for_clients_that_authenticate(server: Server) -> None:
    public, confidential = await server.client("spa"), await server.client("web")
    for nobody in (public, Known(confidential.id), Known(confidential.id, "wrong")):
        sent = await server.post("/oauth2/introspect", nobody, token="x")
        assert refusal(sent) == (401, "invalid_client")
    assert refusal(await server.post("/oauth2/introspect", token="x")) == (401, "invalid_client")


async def test_a_bearer_token_does_not_authenticate_a_caller(server: Server) -> None:
    client = await server.client("web")
    made = await tokens(server, client)
    sent = await server.http.post(
        "/oauth2/introspect",
        data={"token": made["access_token"]},
        headers={"authorization": f"Bearer {made['access_token']}"},
    )
    assert refusal(sent) == (401, "invalid_client")


async def test_n041_takes_a_posted_form_with_one_token(server: Server) -> None:
    client = await server.client("machine")
    assert (await server.http.get("/oauth2/introspect")).status_code == 405
    sent = await server.http.post("/oauth2/introspect", json={}, headers=client.basic)
    assert refusal(sent) == (415, "invalid_request")
    assert refusal(await server.post("/oauth2/introspect", client, x="y")) == (
        400,
        "invalid_request",
    )
    twice = await server.http.post(
        "/oauth2/introspect",
        content="token=a&token=b",
        headers={**client.basic, "content-type": "application/x-www-form-urlencoded"},
    )
    assert refusal(twice) == (400, "invalid_request")


async def test_tells_an_api_nothing_of_tokens_for_another(server: Server) -> None:
    await server.resource("https://api.example")
    await server.resource("https://other.example")
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, resource="https://api.example")
    raw = (await server.redeem(client, code)).json()["access_token"]
    here, there = (
        await server.api("https://api.example/"),
        await server.api("https://other.example"),
    )
    machine = await server.client("machine")
    assert (await server.introspect(here, raw))["aud"] == "https://api.example"
    for caller in (there, machine, await server.api()):
        assert await server.introspect(caller, raw) == {"active": False}


async def test_only_clients_that_authenticate_belong_to_apis_there_are(server: Server) -> None:
    spa, machine = await server.client("spa"), await server.client("machine")
    wrong = ((spa.id, server.site.issuer), (machine.id, "https://unknown.example"))
    for client_id, resource in wrong:
        with pytest.raises(InvalidInput):
            await bind(server, client_id, resource)
    with pytest.raises(NotFound):
        await bind(server, "nobody", server.site.issuer)
    assert await bind(server, machine.id) == ()


async def bind(server: Server, client_id: str, *resources: str) -> tuple[str, ...]:
    return await server.run(
        lambda work: bind_resources(work, client_id=client_id, resources=resources)
    )


async def test_an_api_that_is_bound_no_more_hears_no_more(server: Server) -> None:
    client, api = await server.client("web"), await server.api()
    made = await tokens(server, client)
    assert (await server.introspect(api, made["access_token"]))["active"]
    await bind(server, api.id)
    assert await server.introspect(api, made["access_token"]) == {"active": False}


async def test_says_what_people_call_themselves_where_the_scope_opens_it(server: Server) -> None:
    client = await server.client("web")
    user_id = await server.person()
    claims = {"preferred_username": "ada"}
    await server.run(lambda work: change_profile(work, user_id=user_id, changes=claims))
    session, _ = await server.session(user_id)
    for scope, username in ((("openid", "profile"), "ada"), (("openid", "email"), None)):
        code = await server.code(client, session, scope=scope)
        raw = (await server.redeem(client, code)).json()["access_token"]
        assert (await server.introspect(client, raw)).get("username") == username


# Signed answers.

JWT = {"accept": "application/token-introspection+jwt"}


async def signed(server: Server, client: Known, raw: str) -> str:
    answer = await server.http.post(
        "/oauth2/introspect", data={"token": raw}, headers={**client.basic, **JWT}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/token-introspection+jwt"
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


async def test_rfc_9701_an_answer_is_signed_for_who_asks_so(server: Server) -> None:
    client, api = await server.client("web"), await server.api()
    made = await tokens(server, client)
    raw = await signed(server, api, made["access_token"])
    keys = await server.run(server.parts.keyring.verification_keys)
    expected = Expected(
        algorithms=frozenset({"RS256"}),
        typ=("token-introspection+jwt",),
        issuer=server.site.issuer,
        audience=api.id,
        required=("iat",),
    )
    said = verify(raw, keys, expected=expected, now=server.works.clock.now())
    assert set(said) == {"iss", "aud", "iat", "token_introspection"}
    assert said["token_introspection"] == await server.introspect(api, made["access_token"])


async def test_rfc_9701_an_inactive_token_is_said_to_be_so_and_no_more(server: Server) -> None:
    api = await server.api()
    assert claims_of(await signed(server, api, "x"))["token_introspection"] == {"active": False}


async def test_rfc_9701_it_is_signed_with_what_the_client_registered(server: Server) -> None:
    client = await server.client("machine", metadata={"introspection_signed_response_alg": "ES256"})
    assert header_of(await signed(server, client, "x"))["alg"] == "ES256"


async def test_n084_a_signed_answer_is_no_token(server: Server) -> None:
    client, api = await server.client("web"), await server.api()
    made = await tokens(server, client)
    raw = await signed(server, api, made["access_token"])
    assert await server.introspect(api, raw) == {"active": False}
    sent = await server.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {raw}"})
    assert sent.status_code == 401


async def test_other_accept_headers_get_json(server: Server) -> None:
    api = await server.api()
    for accept in ("*/*", "application/*", "application/json", "application/jwt"):
        answer = await server.http.post(
            "/oauth2/introspect", data={"token": "x"}, headers={**api.basic, "accept": accept}
        )
        assert answer.json() == {"active": False}


async def test_rfc_9701_it_is_encrypted_to_who_registered_a_key(server: Server) -> None:
    key = RSAKey.generate_key(2048, parameters={"kid": "enc", "use": "enc"})
    client = await server.client(
        "machine",
        metadata={
            "jwks": {"keys": [key.as_dict(private=False)]},
            "introspection_encrypted_response_alg": "RSA-OAEP-256",
        },
    )
    inner = decrypt(await signed(server, client, "x"), key)
    assert claims_of(inner.decode())["token_introspection"] == {"active": False}
