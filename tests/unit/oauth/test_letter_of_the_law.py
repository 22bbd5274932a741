"""Rules of the specifications that no single feature owns."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, cast

import pytest

from limen.oauth.endpoints.discovery import NAMES
from limen.oauth.endpoints.token import GRANTS
from limen.oauth.registration.initial_tokens import create_initial_token
from limen.protocol.jwt import peek
from limen.settings import Rate
from limen.testing.clock import FrozenClock
from tests.unit.oauth.decoupled_kit import tv
from tests.unit.oauth.http_kit import CALLBACK, CHALLENGE, VERIFIER, Known, Server, refusal

pytestmark = pytest.mark.anyio

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def tokens(server: Server, client: Known, **changes: str) -> dict[str, Any]:
    session, _ = await server.session(await server.person())
    answer = await server.redeem(client, await server.code(client, session), **changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_rfc_6749_3_2_parameters_nobody_knows_are_ignored(server: Server) -> None:
    client = await server.client()
    made = await tokens(server, client, audience="x", display="popup", x="1")
    token = made["access_token"]
    refreshed = await server.refresh(client, made["refresh_token"], x="1", code="2")
    assert refreshed.status_code == 200
    told = await server.post("/oauth2/introspect", client, token=token, x="1")
    assert told.json()["active"] is True
    assert (await server.post("/oauth2/revoke", client, token=token, x="1")).status_code == 200


async def test_rfc_6749_5_1_nothing_that_holds_a_secret_is_kept(server: Server) -> None:
    client, device = await server.client(), await tv(server)
    asked = {
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    session, _ = await server.session(await server.person())
    answers = [
        await server.redeem(client, await server.code(client, session)),
        await server.post("/oauth2/par", client, **asked),
        await server.post("/oauth2/device_authorization", device, scope="openid"),
        await server.post("/oauth2/introspect", client, token="x"),
        await server.post("/oauth2/revoke", client, token="x"),
        await server.post("/oauth2/token", client, grant_type="x"),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 200, 200, 200, 400]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    handed = answers[:3]
    assert {answer.headers["pragma"] for answer in handed} == {"no-cache"}
    assert {answer.headers["content-type"] for answer in handed} == {"application/json"}


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "x" * 200])
async def test_a_wrong_hint_hides_no_token(server: Server, hint: str) -> None:
    client = await server.client()
    made = await tokens(server, client)
    for kind in ("access_token", "refresh_token"):
        asked = {"token": made[kind], "token_type_hint": hint}
        told = await server.post("/oauth2/introspect", client, **asked)
        assert told.json()["active"] is True
    for kind in ("access_token", "refresh_token"):
        asked = {"token": made[kind], "token_type_hint": hint}
        assert (await server.post("/oauth2/revoke", client, **asked)).status_code == 200
        assert await server.introspect(client, made[kind]) == {"active": False}


async def test_rfc_7636_4_4_a_code_tells_nothing_of_its_challenge(server: Server) -> None:
    client = await server.client()
    session, _ = await server.session(await server.person())
    codes = [await server.code(client, session) for _ in range(2)]
    random = {code.split("_", 2)[2] for code in codes}
    assert len(random) == 2
    assert all(len(each) >= 43 for each in random)
    assert not any(CHALLENGE in code or VERIFIER in code for code in codes)


async def test_rfc_8414_2_every_published_key_says_what_it_is_for(server: Server) -> None:
    keys = (await server.http.get("/oauth2/jwks")).json()["keys"]
    assert {key["use"] for key in keys} == {"sig", "enc"}
    assert len({key["kid"] for key in keys}) == len(keys)


async def test_rfc_8414_2_lists_of_nothing_are_left_out(server: Server) -> None:
    answer = await server.http.get(f"/.well-known/{NAMES[1]}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document = answer.json()
    assert [name for name, value in document.items() if value in ([], {}, "", None)] == []
    for endpoint in ("token", "revocation", "introspection"):
        algs = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert "RS256" in algs
        assert "none" not in algs


@pytest.mark.parametrize("client_type", ["web", "spa"])
async def test_nobody_gets_more_than_one_kind_of_error_for_a_grant(
    server: Server, client_type: Any
) -> None:
    client = await server.client(client_type, grant_types=("authorization_code",))
    for grant_type in ("refresh_token", "client_credentials"):
        sent = await server.post("/oauth2/token", client, grant_type=grant_type, refresh_token="x")
        assert refusal(sent) == (400, "unauthorized_client")
    for grant_type in ("password", "implicit", "AUTHORIZATION_CODE", "urn:x"):
        sent = await server.post("/oauth2/token", client, grant_type=grant_type)
        assert refusal(sent) == (400, "unsupported_grant_type")
    assert len(GRANTS) == 7


async def test_rfc_6749_2_3_1_a_public_client_that_shows_a_secret_is_no_client(
    server: Server,
) -> None:
    client = await server.client("spa")
    shown = Known(client.id, "anything")
    sent = await server.post("/oauth2/token", shown, grant_type="authorization_code", code="x")
    assert refusal(sent) == (401, "invalid_client")


async def test_rfc_7662_2_2_no_claim_of_an_operator_says_whether_a_token_is_active(
    server: Server,
) -> None:
    rules = {name: {"value": "no"} for name in ("active", "token_type", "username", "plan")}
    await server.resource("https://api.example", claims=rules)
    client = await server.client("machine", scope=("read",))
    made = await server.post(
        "/oauth2/token",
        client,
        grant_type="client_credentials",
        resource="https://api.example",
    )
    told = await server.introspect(client, made.json()["access_token"])
    assert (told["active"], told["token_type"], told["plan"]) == (True, "Bearer", "no")
    assert "username" not in told


async def test_rfc_9396_a_request_for_details_says_what_is_wrong_with_them(server: Server) -> None:
    client = await server.client("machine")
    for wrong in ("{}", "[{}]", "[]", "x", json.dumps([{"type": "unheard-of"}])):
        sent = await server.post(
            "/oauth2/token",
            client,
            grant_type="client_credentials",
            authorization_details=wrong,
        )
        assert refusal(sent) == (400, "invalid_authorization_details")


async def test_rfc_9068_2_2_1_a_refresh_is_no_new_sign_in(
    server: Server, clock: FrozenClock
) -> None:
    client = await server.client()
    session, _ = await server.session(await server.person())
    made = await server.redeem(client, await server.code(client, session, acr="urn:x"))
    first = peek(made.json()["access_token"]).claims
    clock.advance(dt.timedelta(minutes=10))
    again = await server.refresh(client, made.json()["refresh_token"])
    then = peek(again.json()["access_token"]).claims
    assert then["iat"] > first["iat"]
    for name in ("auth_time", "acr", "amr", "sub", "aud"):
        assert then[name] == first[name]
    assert first["auth_time"] == int(session.authenticated_at.timestamp())


async def test_rfc_6749_2_3_1_guessing_is_slowed_down_wherever_secrets_are_taken(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = cast("Any", server.http)._transport.app._parts.limiter
    monkeypatch.setattr(limiter, "rate_of", lambda _name: Rate(1, 60))
    for path in ("token", "introspect", "device_authorization", "register"):
        first = await server.http.post(f"/oauth2/{path}", data={"client_id": "x"})
        assert first.status_code != 429, path
        again = await server.http.post(f"/oauth2/{path}", data={"client_id": "x"})
        assert refusal(again) == (429, "temporarily_unavailable")
        assert 0 < int(again.headers["retry-after"]) <= 60
    for path in ("par", "revoke", "bc-authorize"):  # they share the rate of the token endpoint
        answer = await server.http.post(f"/oauth2/{path}", data={"client_id": "x"})
        assert refusal(answer) == (429, "temporarily_unavailable")


async def test_rfc_7592_a_registration_is_its_clients_for_as_long_as_it_lives(
    server: Server, clock: FrozenClock
) -> None:
    initial = await server.run(create_initial_token)
    asked = {
        "client_id": "chosen",
        "redirect_uris": [CALLBACK],
        "client_name": "App",
        "logo_uri": None,
        "unheard_of": 1,
    }
    bearer = {"authorization": f"Bearer {initial.raw_token.reveal()}"}
    answer = await server.http.post("/oauth2/register", json=asked, headers=bearer)
    assert answer.status_code == 201, answer.text
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    made = answer.json()
    assert made["client_id"] != "chosen"
    assert not {"unheard_of", "logo_uri"} & set(made)
    uri, bearer = made["registration_client_uri"], bearer_of(made)
    assert uri == f"{server.site.issuer}/oauth2/register/{made['client_id']}"
    both = [*bearer.items(), ("authorization", "Bearer x")]
    assert refusal(await server.http.get(uri, headers=both)) == (400, "invalid_request")
    clock.advance(dt.timedelta(days=400))
    assert (await server.http.get(uri, headers=bearer)).json()["client_name"] == "App"
    body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], "client_name": None}
    replaced = await server.http.put(uri, json=body, headers=bearer)
    assert replaced.status_code == 200, replaced.text
    assert not replaced.json().get("client_name")
    assert refusal(await server.http.get(uri, headers=bearer)) == (401, "invalid_token")
    gone = await server.http.delete(uri, headers=bearer_of(replaced.json()))
    assert (gone.status_code, gone.headers["cache-control"]) == (204, "no-store")
    last = await server.http.get(uri, headers=bearer_of(replaced.json()))
    assert refusal(last) == (401, "invalid_token")


def bearer_of(made: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {made['registration_access_token']}"}
