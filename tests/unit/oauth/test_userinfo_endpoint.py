from __future__ import annotations

import pytest

from limen.accounts.ending.disable_user import disable_user
from limen.sessions.revoke import revoke
from tests.unit.oauth.http_kit import Server

pytestmark = pytest.mark.anyio


async def token(server: Server, *scope: str) -> tuple[str, str, str]:
    """An access token with its session's and its user's id."""
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, scope=scope)
    raw = (await server.redeem(client, code)).json()["access_token"]
    return raw, session.id, session.user_id


def bearer(raw: str) -> dict[str, str]:
    return {"authorization": f"Bearer {raw}"}


async def test_says_what_the_scopes_open(server: Server) -> None:
    raw, _, user_id = await token(server, "openid", "profile", "email")
    answer = await server.http.get("/oauth2/userinfo", headers=bearer(raw))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert (said["sub"], said["name"]) == (user_id, "Ada")
    assert (said["email"], said["email_verified"]) == ("ada@app.example", True)


async def test_says_nothing_that_was_not_opened(server: Server) -> None:
    raw, _, user_id = await token(server, "openid", "read")
    answer = await server.http.get("/oauth2/userinfo", headers=bearer(raw))
    assert answer.json() == {"sub": user_id}


async def test_takes_the_token_by_header_or_by_form(server: Server) -> None:
    raw, _, user_id = await token(server, "openid")
    by_form = await server.http.post("/oauth2/userinfo", data={"access_token": raw})
    by_header = await server.http.post("/oauth2/userinfo", headers=bearer(raw))
    assert by_form.json() == by_header.json() == {"sub": user_id}


async def test_n093_a_token_in_the_query_is_not_looked_at(server: Server) -> None:
    raw, _, _ = await token(server, "openid")
    answer = await server.http.get("/oauth2/userinfo", params={"access_token": raw})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_n093_two_ways_at_once_are_refused(server: Server) -> None:
    raw, _, _ = await token(server, "openid")
    both = await server.http.post(
        "/oauth2/userinfo", data={"access_token": raw}, headers=bearer(raw)
    )
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    twice = await server.http.get(
        "/oauth2/userinfo",
        headers=[("authorization", f"Bearer {raw}"), ("authorization", f"Bearer {raw}")],
    )
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eA==", "Bearer\tx"])
async def test_without_a_token_it_asks_for_one(server: Server, header: str) -> None:
    answer = await server.http.get("/oauth2/userinfo", headers={"authorization": header})
    assert answer.status_code == 401
    assert "error=" not in answer.headers["www-authenticate"]


@pytest.mark.parametrize("raw", ["x", "a.b.c", "lmr_testtenant_x", "e30.e30.e30"])
async def test_a_bad_token_is_invalid_token(server: Server, raw: str) -> None:
    answer = await server.http.get("/oauth2/userinfo", headers=bearer(raw))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_n095_a_token_without_openid_is_not_enough(server: Server) -> None:
    raw, _, _ = await token(server, "read")
    machine = await server.client("machine")
    own = await server.post("/oauth2/token", machine, grant_type="client_credentials")
    for weak in (raw, own.json()["access_token"]):
        answer = await server.http.get("/oauth2/userinfo", headers=bearer(weak))
        assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
        assert 'scope="openid"' in answer.headers["www-authenticate"]


async def test_n084_an_id_token_or_a_refresh_token_is_no_access_token(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    made = (await server.redeem(client, await server.code(client, session))).json()
    for kind in ("id_token", "refresh_token"):
        answer = await server.http.get("/oauth2/userinfo", headers=bearer(made[kind]))
        assert answer.status_code == 401


async def test_it_ends_with_the_session_and_with_the_user(server: Server) -> None:
    raw, session_id, _ = await token(server, "openid")
    await server.run(lambda work: revoke(work, session_id=session_id))
    answer = await server.http.get("/oauth2/userinfo", headers=bearer(raw))
    assert answer.status_code == 401


async def test_a_disabled_user_is_told_of_no_more(server: Server) -> None:
    raw, _, user_id = await token(server, "openid")
    await server.run(lambda work: disable_user(work, user_id=user_id))
    answer = await server.http.get("/oauth2/userinfo", headers=bearer(raw))
    assert answer.status_code == 401
