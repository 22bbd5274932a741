from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from limen.db.work import Work
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.oauth.store.clients import set_disabled
from limen.protocol.jwt import peek
from limen.sessions.revoke import revoke
from limen.testing.clock import FrozenClock
from tests.unit.oauth.http_kit import Server, refusal

pytestmark = pytest.mark.anyio

NO = (400, "invalid_grant")


async def test_redeems_a_code_for_tokens(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    answer = await server.redeem(client, await server.code(client, session))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["scope"] == "openid email read"
    access, identity = peek(body["access_token"]).claims, peek(body["id_token"])
    assert access["sub"] == session.user_id
    assert access["client_id"] == client.id
    assert identity.header["alg"] == "RS256"
    assert identity.claims["aud"] == client.id
    assert identity.claims["nonce"] == "n-1"
    assert identity.claims["sid"] == session.id
    assert identity.claims["auth_time"] == int(session.authenticated_at.timestamp())
    assert "at_hash" in identity.claims
    assert "email" not in identity.claims
    assert (await server.introspect(client, body["refresh_token"]))["active"]


async def test_an_id_token_is_signed_by_ps256_for_who_registered_that(server: Server) -> None:
    client = await server.client(metadata={"id_token_signed_response_alg": "PS256"})
    session, _ = await server.session(await server.person())
    body = (await server.redeem(client, await server.code(client, session))).json()
    raw = body["id_token"]
    header = peek(raw).header
    published = (await server.http.get("/oauth2/jwks")).json()["keys"]
    (key,) = [key for key in published if key["kid"] == header["kid"]]
    assert (header["alg"], key["alg"], key["kty"]) == ("PS256", "PS256", "RSA")
    read = jwt.decode(raw, RSAKey.import_key(key), algorithms=["PS256"])
    assert read.claims["sub"] == session.user_id
    by_rs256 = [key for key in published if key.get("alg") == "RS256"]
    assert by_rs256
    assert key["kid"] not in {key["kid"] for key in by_rs256}
    document = (await server.http.get("/.well-known/openid-configuration")).json()
    assert "PS256" in document["id_token_signing_alg_values_supported"]


async def test_a_public_client_redeems_by_name_and_verifier(server: Server) -> None:
    client = await server.client("spa")
    session, _ = await server.session(await server.person())
    answer = await server.redeem(client, await server.code(client, session))
    assert answer.status_code == 200


async def test_without_openid_there_is_no_id_token(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, scope=("read",))
    assert "id_token" not in (await server.redeem(client, code)).json()


async def test_without_the_grant_type_there_is_no_refresh_token(server: Server) -> None:
    client = await server.client("web", grant_types=("authorization_code",))
    session, _ = await server.session(await server.person())
    body = (await server.redeem(client, await server.code(client, session))).json()
    assert "refresh_token" not in body


async def test_n031_a_valid_replay_ends_what_was_issued(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    first = (await server.redeem(client, code)).json()
    server.events.clear()
    assert refusal(await server.redeem(client, code)) == NO
    assert server.denied() == ["oauth:code:replayed"]
    assert not (await server.introspect(client, first["access_token"]))["active"]
    assert not (await server.introspect(client, first["refresh_token"]))["active"]
    assert refusal(await server.refresh(client, first["refresh_token"])) == NO


async def test_n031_a_replay_is_known_after_the_code_would_have_expired(
    server: Server, clock: FrozenClock
) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    first = (await server.redeem(client, code)).json()
    clock.advance(dt.timedelta(minutes=10))
    assert refusal(await server.redeem(client, code)) == NO
    assert not (await server.introspect(client, first["access_token"]))["active"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"code_verifier": ""}, id="N025"),
        pytest.param({"code_verifier": "x" * 43}, id="N028"),
        pytest.param({"code_verifier": "x" * 42}, id="N029-short"),
        pytest.param({"code_verifier": "x" * 129}, id="N029-long"),
        pytest.param({"code_verifier": "\u00e9" * 43}, id="N029-unicode"),
        pytest.param({"redirect_uri": "https://app.example/other"}, id="N034-other"),
        pytest.param({"redirect_uri": "https://app.example/cb/"}, id="N034-slash"),
        pytest.param({"redirect_uri": ""}, id="N034-absent"),
    ],
)
async def test_n035_an_invalid_attempt_changes_nothing(
    server: Server, changes: dict[str, str]
) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    assert refusal(await server.redeem(client, code, **changes)) == NO
    first = await server.redeem(client, code)
    assert first.status_code == 200
    assert refusal(await server.redeem(client, code, **changes)) == NO
    assert (await server.introspect(client, first.json()["access_token"]))["active"]
    assert (await server.introspect(client, first.json()["refresh_token"]))["active"]


async def test_n035_a_wrong_secret_changes_nothing(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    form = {"client_id": client.id, "client_secret": "wrong", "code": code}
    sent = await server.post("/oauth2/token", grant_type="authorization_code", **form)
    assert refusal(sent) == (401, "invalid_client")
    assert (await server.redeem(client, code)).status_code == 200


async def test_five_invalid_attempts_burn_the_code(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code, spared = await server.code(client, session), await server.code(client, session)
    for _ in range(5):
        assert refusal(await server.redeem(client, code, code_verifier="x" * 43)) == NO
    assert refusal(await server.redeem(client, code)) == NO
    for _ in range(4):
        await server.redeem(client, spared, code_verifier="x" * 43)
    assert (await server.redeem(client, spared)).status_code == 200


async def test_n026_a_verifier_without_a_challenge_is_refused(server: Server) -> None:
    client = await server.client("web", require_pkce=False)
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, code_challenge=None)
    assert refusal(await server.redeem(client, code)) == NO
    assert (await server.redeem(client, code, code_verifier="")).status_code == 200


@pytest.mark.parametrize("thief", ["web", "spa"])
async def test_n033_another_client_can_not_redeem_it(server: Server, thief: str) -> None:
    client = await server.client("web")
    other = await server.client("spa" if thief == "spa" else "web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    stolen = await server.redeem(other, code)
    assert refusal(stolen) == NO
    unknown = await server.redeem(other, code[:-3] + "AAA")
    assert stolen.content == unknown.content
    assert (await server.redeem(client, code)).status_code == 200


async def test_n034_a_uri_that_was_not_sent_need_not_be_repeated(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, redirect_uri_sent=False)
    wrong = await server.redeem(client, code, redirect_uri="https://app.example/other")
    assert refusal(wrong) == NO
    assert (await server.redeem(client, code, redirect_uri="")).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400), (61, 400)])
async def test_n037_a_code_is_good_for_a_minute(
    server: Server, clock: FrozenClock, seconds: int, status: int
) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    clock.advance(dt.timedelta(seconds=seconds))
    assert (await server.redeem(client, code)).status_code == status


async def test_n038_nothing_is_given_for_a_session_that_ended(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    offline = await server.code(client, session, scope=("openid", "offline_access"))
    await server.run(lambda work: revoke(work, session_id=session.id))
    assert refusal(await server.redeem(client, code)) == NO
    assert refusal(await server.redeem(client, offline)) == NO


async def test_n038_nothing_is_given_to_a_client_that_was_disabled(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    await server.run(lambda work: disable_client(work, client_id=client.id))
    assert refusal(await server.redeem(client, code)) == (401, "invalid_client")


async def test_n038_a_client_disabled_on_another_node_is_noticed_with_the_code(
    server: Server,
) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    await server.run(lambda work: server.parts.clients.find(work, client.id))
    # As another process does it: nothing in this one forgets what it has cached.
    await server.run(lambda work: set_disabled(work, client.id, at=work.now))
    assert refusal(await server.redeem(client, code)) == (401, "invalid_client")


async def test_n049_a_scope_that_its_client_lost_meanwhile_is_not_given(server: Server) -> None:
    client = await server.client()
    session, _ = await server.session(await server.person())
    scope = ("openid", "email", "read", "offline_access")
    kept = await server.code(client, session, scope=scope)
    gone = await server.code(client, session, scope=("read",))

    async def lose(work: Work) -> None:
        changes = ClientChanges(metadata={"scope": "openid email"})
        await update_client(work, client_id=client.id, changes=changes)

    await server.run(lose)
    told = (await server.redeem(client, kept)).json()
    assert told["scope"] == "openid email"
    again = await server.refresh(client, told["refresh_token"], scope="read")
    assert refusal(again) == (400, "invalid_scope")
    assert refusal(await server.redeem(client, gone)) == (400, "invalid_scope")


async def test_n040_an_altered_code_is_unknown(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    for altered in (code[:-1], code + "A", code.upper(), code + "=", f" {code}", code[4:], "x"):
        assert refusal(await server.redeem(client, altered)) == NO
    assert (await server.redeem(client, code)).status_code == 200


async def test_n090_a_token_is_for_what_was_authorized(server: Server) -> None:
    for identifier in ("https://x.example", "https://y.example"):
        await server.resource(identifier)
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, resource="https://x.example")
    other = await server.redeem(client, code, resource="https://y.example")
    assert refusal(other) == (400, "invalid_target")
    body = (await server.redeem(client, code, resource="https://X.example/")).json()
    assert peek(body["access_token"]).claims["aud"] == "https://x.example"


async def test_n032_of_twenty_callers_one_wins(server: Server) -> None:
    client = await server.client("web")
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    answers = await asyncio.gather(*(server.redeem(client, code) for _ in range(20)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {refusal(answer) for answer in answers if answer.status_code != 200} == {NO}
    # The losers were valid replays: nothing that was issued lives.
    assert not (await server.introspect(client, won[0]["access_token"]))["active"]
    assert not (await server.introspect(client, won[0]["refresh_token"]))["active"]
