"""ID tokens and UserInfo as a client registered them: signed, encrypted; pairwise subjects."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from limen.protocol.jwt import peek
from tests.unit.oauth.http_kit import Known, Server

pytestmark = pytest.mark.anyio

KEY = RSAKey.generate_key(2048, {"use": "enc", "kid": "mine"})
OTHER = ECKey.generate_key("P-256", {"use": "enc", "kid": "other"})
JWKS = {"keys": [KEY.as_dict(private=False)]}


def opened(raw: str) -> str:
    """What the client reads with its own key and somebody else's library."""
    found = jwe.decrypt_compact(raw, KEY, algorithms=["RSA-OAEP-256", "A128CBC-HS256", "A256GCM"])
    assert found.plaintext is not None
    return found.plaintext.decode()


async def client_of(server: Server, **metadata: Any) -> Known:
    return await server.client(metadata={"jwks": JWKS, **metadata})


async def tokens_of(server: Server, client: Known, email: str = "ada@app.example") -> Any:
    session, _ = await server.session(await server.person(email))
    subject = await server.subject(client, session.user_id)
    answer = await server.redeem(client, await server.code(client, session, subject=subject))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def userinfo(server: Server, tokens: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return await server.http.get("/oauth2/userinfo", headers=headers)


async def test_an_id_token_is_encrypted_to_the_client(server: Server) -> None:
    client = await client_of(
        server,
        id_token_encrypted_response_alg="RSA-OAEP-256",
        id_token_encrypted_response_enc="A256GCM",
    )
    tokens = await tokens_of(server, client)
    claims = peek(opened(tokens["id_token"])).claims
    assert (claims["aud"], claims["nonce"]) == (client.id, "n-1")
    again = (await server.refresh(client, tokens["refresh_token"])).json()
    assert peek(opened(again["id_token"])).claims["aud"] == client.id


async def test_nothing_goes_out_in_clear_for_want_of_a_key(server: Server) -> None:
    client = await server.client(
        metadata={
            "jwks": {"keys": [OTHER.as_dict(private=False)]},
            "id_token_encrypted_response_alg": "RSA-OAEP-256",
        }
    )
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    answer = await server.redeem(client, code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "token" not in answer.json()


async def test_userinfo_is_json_unless_registered_otherwise(server: Server) -> None:
    client = await client_of(server)
    told = await userinfo(server, await tokens_of(server, client))
    assert told.headers["content-type"] == "application/json"


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
async def test_userinfo_is_signed(server: Server, alg: str) -> None:
    client = await client_of(server, userinfo_signed_response_alg=alg)
    tokens = await tokens_of(server, client)
    told = await userinfo(server, tokens)
    assert told.headers["content-type"] == "application/jwt"
    assert told.headers["cache-control"] == "no-store"
    read = peek(told.text)
    assert read.header["alg"] == alg
    assert (read.claims["iss"], read.claims["aud"]) == (server.site.issuer, client.id)
    assert read.claims["sub"] == peek(tokens["id_token"]).claims["sub"]
    assert read.claims["email"] == "ada@app.example"


async def test_userinfo_is_signed_and_encrypted(server: Server) -> None:
    client = await client_of(
        server,
        userinfo_signed_response_alg="ES256",
        userinfo_encrypted_response_alg="RSA-OAEP-256",
    )
    told = await userinfo(server, await tokens_of(server, client))
    assert told.headers["content-type"] == "application/jwt"
    assert peek(opened(told.text)).claims["email"] == "ada@app.example"


async def test_userinfo_is_encrypted_alone(server: Server) -> None:
    client = await client_of(server, userinfo_encrypted_response_alg="RSA-OAEP-256")
    told = await userinfo(server, await tokens_of(server, client))
    assert json.loads(opened(told.text))["email"] == "ada@app.example"


async def test_a_signed_userinfo_answer_is_no_hint(server: Server) -> None:
    """It says ``typ`` JWT as ID tokens do, and yet names no time it expires at (N084)."""
    client = await client_of(server, userinfo_signed_response_alg="RS256")
    told = await userinfo(server, await tokens_of(server, client))
    assert "exp" not in peek(told.text).claims


async def test_pairwise_subjects_differ_by_sector_and_stay_the_same(server: Server) -> None:
    pairwise = {"subject_type": "pairwise"}
    one = await server.client(metadata=pairwise)
    same_host = await server.client(redirect_uris=("https://app.example/other",), metadata=pairwise)
    other = await server.client(redirect_uris=("https://else.example/cb",), metadata=pairwise)
    public = await server.client()
    ada, bob = await server.person(), await server.person("bob@app.example")
    subject = await server.subject(one, ada)
    assert subject == await server.subject(one, ada)
    assert subject == await server.subject(same_host, ada)
    assert await server.subject(public, ada) == ada
    assert len({subject, ada, bob, await server.subject(other, ada)}) == 4
    assert subject != await server.subject(one, bob)


async def test_a_pairwise_subject_is_the_one_everywhere(server: Server) -> None:
    client = await server.client(metadata={"subject_type": "pairwise"})
    tokens = await tokens_of(server, client)
    subject = peek(tokens["id_token"]).claims["sub"]
    assert peek(tokens["access_token"]).claims["sub"] == subject
    assert (await userinfo(server, tokens)).json()["sub"] == subject
    assert (await server.introspect(client, tokens["access_token"]))["sub"] == subject
