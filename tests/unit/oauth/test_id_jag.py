from __future__ import annotations

import datetime as dt

import httpx2
import pytest

from limen.db.work import Works
from limen.hooks.model import HookAnswer, Question
from limen.kernel.site import Site
from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.protocol.token_exchange import ACCESS_TOKEN, ID_JAG, ID_TOKEN, REFRESH_TOKEN
from limen.sessions.revoke import revoke
from limen.testing.clock import FrozenClock
from limen.tokens import principals
from tests.unit.oauth.exchange_kit import (
    Signed,
    allow,
    claims_of,
    exchange,
    header_of,
    sign_in,
)
from tests.unit.oauth.http_kit import Known, Server, refusal, serve

pytestmark = pytest.mark.anyio

CHAT = "https://chat.example/"
CHAT_API = "https://api.chat.example"
TARGET = {
    "audience": CHAT,
    "client_id": "wiki-at-chat",
    "resources": [CHAT_API],
    "scopes": ["chat.read", "chat.history"],
}


async def wiki(server: Server, **changes: object) -> tuple[Known, Signed]:
    client = await server.client(
        metadata={"grant_types": ["authorization_code", "refresh_token", TOKEN_EXCHANGE]}
    )
    await allow(server, client, assertions=[{**TARGET, **changes}])
    return client, await sign_in(server, client)


async def ask(server: Server, client: Known, raw: str, **changes: str) -> httpx2.Response:
    given = {
        "requested_token_type": ID_JAG,
        "subject_token_type": ID_TOKEN,
        "audience": CHAT,
        "resource": CHAT_API,
        **changes,
    }
    return await exchange(server, client, raw, **given)


async def test_asserts_who_signed_in_to_another_server(server: Server) -> None:
    client, ada = await wiki(server)
    sent = await ask(server, client, ada.identity, scope="chat.read files.write")
    assert sent.status_code == 200, sent.text
    assert sent.headers["cache-control"] == "no-store"
    told = sent.json()
    assert (told["issued_token_type"], told["token_type"]) == (ID_JAG, "N_A")
    assert (told["scope"], told["expires_in"]) == ("chat.read", 300)
    assert "refresh_token" not in told
    raw = told["access_token"]
    assert header_of(raw)["typ"] == "oauth-id-jag+jwt"
    claims = claims_of(raw)
    assert (claims["iss"], claims["aud"]) == (server.site.issuer, CHAT)
    assert (claims["sub"], claims["client_id"]) == (ada.user_id, "wiki-at-chat")
    assert (claims["resource"], claims["scope"]) == (CHAT_API, "chat.read")
    assert claims["auth_time"] == claims_of(ada.identity)["auth_time"]
    assert claims["jti"]
    assert "oauth:token:exchanged" in [event.name for event in server.events]


async def test_an_assertion_is_no_token_of_ours(server: Server) -> None:
    client, ada = await wiki(server)
    raw = (await ask(server, client, ada.identity)).json()["access_token"]
    assert await server.introspect(client, raw) == {"active": False}
    sent = await server.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {raw}"})
    assert sent.status_code == 401
    sent = await exchange(server, client, raw, subject_token_type=ACCESS_TOKEN)
    assert refusal(sent) == (400, "invalid_request")


async def test_a_refresh_token_of_its_own_will_do_and_stays(
    server: Server, clock: FrozenClock
) -> None:
    client, ada = await wiki(server)
    clock.advance(dt.timedelta(hours=2))
    expired = await ask(server, client, ada.identity)
    assert refusal(expired) == (400, "invalid_request")
    raw = ada.tokens["refresh_token"]
    sent = await ask(server, client, raw, subject_token_type=REFRESH_TOKEN)
    assert sent.status_code == 200, sent.text
    assert (await server.refresh(client, raw)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": ""}, "invalid_request"),
        ({"audience": "https://other.example"}, "invalid_target"),
        ({"audience": CHAT.rstrip("/")}, "invalid_target"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"scope": "files.write"}, "invalid_scope"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ],
)
async def test_asserts_nothing_that_the_policy_does_not_name(
    server: Server, changes: dict[str, str], error: str
) -> None:
    client, ada = await wiki(server)
    assert refusal(await ask(server, client, ada.identity, **changes)) == (400, error)


async def test_who_leaves_a_bound_unsaid_does_not_get_past_it(server: Server) -> None:
    # An assertion without scope or resource is good for all that the other server would give.
    client, ada = await wiki(server)
    unbounded = await ask(server, client, ada.identity, resource="")
    claims = claims_of(unbounded.json()["access_token"])
    assert (claims["resource"], claims["scope"]) == (CHAT_API, "chat.read chat.history")
    several = {**TARGET, "resources": [CHAT_API, "https://files.chat.example"]}
    await allow(server, client, assertions=[several])
    unsaid = await ask(server, client, ada.identity, resource="")
    assert refusal(unsaid) == (400, "invalid_target")
    await allow(server, client, assertions=[{**TARGET, "resources": [], "scopes": []}])
    left_open = claims_of(
        (await ask(server, client, ada.identity, resource="")).json()["access_token"]
    )
    assert not {"resource", "scope"} & left_open.keys()


@pytest.mark.parametrize("named", ["https://mcp.chat.example/", "https://MCP.chat.example"])
async def test_a_resource_is_asserted_as_its_own_server_writes_it(
    server: Server, named: str
) -> None:
    client, ada = await wiki(server, resources=[CHAT_API, named])
    for asked in ("https://mcp.chat.example/", "https://mcp.chat.example"):
        sent = await ask(server, client, ada.identity, resource=asked)
        assert claims_of(sent.json()["access_token"])["resource"] == named
    other = await ask(server, client, ada.identity, resource="https://mcp.chat.example/mcp")
    assert refusal(other) == (400, "invalid_target")


async def test_nobody_elses_token_will_do(server: Server) -> None:
    client, ada = await wiki(server)
    thief, _ = await wiki_again(server)
    for raw, kind in (
        (ada.identity, ID_TOKEN),
        (ada.tokens["refresh_token"], REFRESH_TOKEN),
        (ada.access, ID_TOKEN),
        (ada.access, REFRESH_TOKEN),
    ):
        sent = await ask(server, thief, raw, subject_token_type=kind)
        assert refusal(sent) == (400, "invalid_request")
    assert (await ask(server, client, ada.identity)).status_code == 200


async def wiki_again(server: Server) -> tuple[Known, Signed]:
    client = await server.client(
        metadata={"grant_types": ["authorization_code", "refresh_token", TOKEN_EXCHANGE]}
    )
    await allow(server, client, assertions=[TARGET])
    return client, await sign_in(server, client, email="bob@app.example")


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
async def test_who_signed_out_is_vouched_for_no_more(server: Server, kind: str) -> None:
    client, ada = await wiki(server)
    await server.run(lambda work: revoke(work, user_id=ada.user_id, session_id=ada.session_id))
    type_ = ID_TOKEN if kind == "id_token" else REFRESH_TOKEN
    sent = await ask(server, client, ada.tokens[kind], subject_token_type=type_)
    assert refusal(sent) == (400, "invalid_request")


async def test_who_is_disabled_is_vouched_for_no_more(server: Server) -> None:
    client, ada = await wiki(server)
    await server.run(lambda work: principals.disable(work, principal_id=ada.user_id))
    for raw, type_ in (
        (ada.identity, ID_TOKEN),
        (ada.tokens["refresh_token"], REFRESH_TOKEN),
    ):
        sent = await ask(server, client, raw, subject_token_type=type_)
        assert refusal(sent) == (400, "invalid_request")


async def test_the_policy_names_the_people(server: Server) -> None:
    client, ada = await wiki(server)
    await allow(server, client, subjects=["somebody"], assertions=[TARGET])
    assert refusal(await ask(server, client, ada.identity)) == (400, "invalid_request")


async def test_the_subject_is_the_one_the_other_server_knows(server: Server) -> None:
    chat = await server.client(
        redirect_uris=("https://chat.example/cb",),
        metadata={"subject_type": "pairwise"},
    )
    client, ada = await wiki(server, subject_client=chat.id)
    known = claims_of((await ask(server, client, ada.identity)).json()["access_token"])["sub"]
    assert known != ada.user_id
    again = claims_of((await ask(server, client, ada.identity)).json()["access_token"])["sub"]
    assert known == again


async def test_the_hooks_are_asked_about_an_assertion(works: Works, site: Site) -> None:
    asked: list[Question] = []
    said = [HookAnswer(claims={"plan": "pro", "resource": "https://other.example", "sub": "eve"})]

    async def gate(question: Question) -> HookAnswer:
        asked.append(question)
        return said[-1]

    server = await serve(works, site, hooks={"before_token": (gate,)})
    client, ada = await wiki(server)
    sent = await ask(server, client, ada.identity, resource="", scope="chat.read")
    claims = claims_of(sent.json()["access_token"])
    assert (claims["plan"], claims["sub"]) == ("pro", ada.user_id)
    assert claims["resource"] == CHAT_API  # the policy's, whatever a hook says
    told = dict(asked[-1])
    assert (told["resource"], told["scope"]) == (CHAT, ["chat.read"])
    assert told["grant_type"] == TOKEN_EXCHANGE
    said.append(HookAnswer(allow=False, reason="No."))
    assert refusal(await ask(server, client, ada.identity)) == (400, "access_denied")
    await server.http.aclose()
