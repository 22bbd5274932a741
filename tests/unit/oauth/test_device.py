from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
import pytest

from limen.db.work import Works
from limen.kernel.errors import Conflict
from limen.kernel.site import Site
from limen.oauth.authorization.undo_sign_in import undo_sign_in
from limen.oauth.decoupled.decide import approve, deny
from limen.oauth.decoupled.typed_code import open_typed
from limen.oauth.registry.disable_client import disable_client
from limen.protocol.client_metadata import CIBA, DEVICE_CODE
from limen.protocol.jwt import peek
from limen.sessions.events import SessionEnded
from limen.sessions.revoke import revoke
from limen.signin.ask_after_sign_in import REFUSED
from limen.testing.clock import FrozenClock
from tests.unit.oauth.decoupled_kit import Device, Person, begin, extend, tv, who_of
from tests.unit.oauth.decoupled_kit import pass_seconds as wait
from tests.unit.oauth.dpop_kit import Prover
from tests.unit.oauth.http_kit import Known, Server, refusal, serve
from tests.unit.oauth.journey_kit import hidden, refused_by_page, way_back

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, site, extend=extend)
    yield made
    await made.close()


@pytest.fixture
async def ada(server: Server) -> Person:
    person = Person(server)
    await person.sign_in(await server.person())
    return person


async def approved(
    server: Server, ada: Person, *, client: Known | None = None, **form: str
) -> Device:
    device = await begin(server, client, **form)
    await ada.approve(device)
    return device


async def test_rfc_8628_3_2_a_device_is_told_its_codes_and_where_to_type_them(
    server: Server,
) -> None:
    told = (await begin(server)).told
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", told["user_code"])
    assert told["verification_uri"] == f"{server.site.issuer}/device"
    complete = f"{server.site.issuer}/device?user_code={told['user_code']}"
    assert told["verification_uri_complete"] == complete
    assert (told["expires_in"], told["interval"]) == (600, 5)
    assert len(told["device_code"]) > 43


async def test_a_device_may_have_its_scopes_claims_in_the_id_token(
    server: Server, ada: Person
) -> None:
    client = await tv(server, metadata={"scope_claims_in_id_token": True})
    told = (await (await approved(server, ada, client=client)).poll()).json()
    assert peek(told["id_token"]).claims["email"] == "ada@app.example"
    told = (await (await approved(server, ada)).poll()).json()
    assert "email" not in peek(told["id_token"]).claims


async def test_a_device_gets_its_tokens_once_a_person_has_typed_its_code_and_agreed(
    server: Server, ada: Person
) -> None:
    device = await begin(server, scope="openid email offline_access")
    assert refusal(await device.poll()) == (400, "authorization_pending")
    await ada.approve(device)
    answer = await device.poll()
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["scope"] == "openid email offline_access"
    assert {"access_token", "refresh_token", "id_token"} <= set(told)
    renewed = await server.refresh(device.client, told["refresh_token"])
    assert renewed.status_code == 200, renewed.text
    assert refusal(await device.poll()) == (400, "invalid_grant")


async def test_rfc_8628_3_5_who_polls_too_often_waits_five_seconds_longer(
    server: Server, clock: FrozenClock
) -> None:
    device = await begin(server)
    assert refusal(await device.poll())[1] == "authorization_pending"
    assert refusal(await device.poll())[1] == "slow_down"
    wait(clock, 6)
    assert refusal(await device.poll())[1] == "slow_down"
    wait(clock, 15)
    assert refusal(await device.poll())[1] == "authorization_pending"


async def test_rfc_8628_3_5_a_denied_request_is_access_denied(server: Server, ada: Person) -> None:
    device = await begin(server)
    typed = await ada.type_code(device.user_code)
    done = await ada.answer(typed.headers["location"], "deny")
    assert 'id="denied"' in done.text
    assert refusal(await device.poll()) == (400, "access_denied")


async def test_rfc_8628_3_5_an_expired_code_is_expired_token_and_can_not_be_typed(
    server: Server, ada: Person, clock: FrozenClock
) -> None:
    device = await begin(server)
    wait(clock, 600)
    assert refusal(await device.poll()) == (400, "expired_token")
    assert (await ada.type_code(device.user_code)).status_code == 404


async def test_an_approved_code_expires_too(
    server: Server, ada: Person, clock: FrozenClock
) -> None:
    device = await approved(server, ada)
    wait(clock, 600)
    assert refusal(await device.poll()) == (400, "expired_token")


async def test_another_clients_device_code_is_unknown(server: Server, ada: Person) -> None:
    device = await approved(server, ada)
    thief = Device(server, await tv(server), device.told)
    assert refusal(await thief.poll()) == (400, "invalid_grant")
    assert (await device.poll()).status_code == 200


@pytest.mark.parametrize("raw", ["", "x", "lmd_aaaaaaaaaa_" + "A" * 43])
async def test_an_unknown_device_code_is_refused(server: Server, raw: str) -> None:
    device = await begin(server)
    expected = "invalid_request" if not raw else "invalid_grant"
    assert refusal(await device.poll(device_code=raw)) == (400, expected)


async def test_a_device_code_is_no_auth_req_id(server: Server) -> None:
    client = await server.client("machine", grant_types=(CIBA, DEVICE_CODE))
    device = await begin(server, client)
    answer = await server.post(
        "/oauth2/token", client, grant_type=CIBA, auth_req_id=device.told["device_code"]
    )
    assert refusal(answer) == (400, "invalid_grant")


async def test_only_who_registered_for_it_may_begin(server: Server) -> None:
    client = await server.client("native")
    answer = await server.post("/oauth2/device_authorization", client, scope="openid")
    assert refusal(answer) == (400, "unauthorized_client")


async def test_n107_scope_and_resource_are_held_to_the_same_rules(server: Server) -> None:
    client = await tv(server, scope=("openid", "read"))
    for form, code in (
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "read", "resource": "https://nowhere.example"}, "invalid_target"),
        ({"scope": "openid", "authorization_details": "{"}, "invalid_authorization_details"),
    ):
        answer = await server.post("/oauth2/device_authorization", client, **form)
        assert refusal(answer) == (400, code)


async def test_n107_what_a_client_lost_meanwhile_it_does_not_get(
    server: Server, ada: Person
) -> None:
    device = await approved(server, ada)
    await server.run(lambda work: disable_client(work, client_id=device.client.id))
    assert refusal(await device.poll()) == (401, "invalid_client")


async def test_n107_a_client_disabled_meanwhile_is_not_approved(
    server: Server, ada: Person
) -> None:
    device = await begin(server)
    where = (await ada.type_code(device.user_code)).headers["location"]
    await server.run(lambda work: disable_client(work, client_id=device.client.id))
    assert refused_by_page(await ada.get(where)) == "unauthorized_client"


async def test_n038_who_signs_out_before_the_device_comes_gives_it_nothing(
    server: Server, ada: Person
) -> None:
    session = await ada.sign_in(await server.person("bob@app.example"))
    device = await approved(server, ada, scope="openid")
    lasting = await approved(server, ada, scope="openid offline_access")
    await server.run(
        lambda work: revoke(
            work, session_id=session.id, user_id=session.user_id, reason="signed_out"
        )
    )
    assert refusal(await device.poll()) == (400, "invalid_grant")
    assert (await lasting.poll()).status_code == 200


async def test_a_session_that_the_hooks_refuse_approved_nothing(
    server: Server, ada: Person, works: Works
) -> None:
    works.reactions = {SessionEnded: (undo_sign_in,)}
    user = await server.person("carol@app.example")
    session = await ada.sign_in(user)
    client = await tv(server)
    device, lasting, fetched = [
        await approved(server, ada, client=client, scope=scope)
        for scope in ("openid", "openid offline_access", "openid offline_access")
    ]
    tokens = (await fetched.poll()).json()
    before = await ada.sign_in(user)
    other = await approved(server, ada, scope="openid offline_access")
    kept = (await other.poll()).json()
    await server.run(lambda work: revoke(work, session_id=session.id, reason=REFUSED))
    assert refusal(await device.poll()) == (400, "access_denied")
    assert refusal(await lasting.poll()) == (400, "access_denied")
    gone = await server.refresh(client, tokens["refresh_token"])
    assert refusal(gone) == (400, "invalid_grant")
    # What the same person approved in another session stands.
    assert (await server.refresh(other.client, kept["refresh_token"])).status_code == 200
    assert before.id != session.id


async def test_whoever_comes_signs_in_first_and_comes_back_with_the_code(server: Server) -> None:
    device = await begin(server)
    stranger = Person(server)
    answer = await stranger.get(f"/device?user_code={device.user_code}")
    assert way_back(answer) == f"/device?user_code={device.user_code}"


async def test_a_link_neither_fills_in_the_code_nor_goes_past_it(
    server: Server, ada: Person
) -> None:
    device = await begin(server)
    page = await ada.get(f"/device?user_code={device.user_code}")
    assert hidden(page)["user_code"] == device.user_code
    assert 'id="user-code" name="user-code" type="text" value=' not in page.text
    assert 'id="user-code-submit"' in page.text
    typed = await ada.type_code("", linked=device.user_code)
    assert typed.status_code == 404
    assert "close this page" in typed.text


async def test_n112_five_wrong_confirmations_kill_the_code(server: Server, ada: Person) -> None:
    device = await begin(server)
    mine = await begin(server)
    for _ in range(5):
        wrong = await ada.type_code(mine.user_code, linked=device.user_code)
        assert wrong.status_code == 404
    assert (await ada.type_code(device.user_code, linked=device.user_code)).status_code == 404
    assert server.denied().count("oauth:user_code:mistaken") == 5
    assert (await ada.type_code(mine.user_code)).status_code == 303


async def test_n112_a_code_that_died_so_is_answered_by_nobody_any_more(
    server: Server, ada: Person
) -> None:
    device = await begin(server)
    where = (await ada.type_code(device.user_code)).headers["location"]
    page = await ada.get(where)
    for _ in range(5):
        await ada.type_code("", linked=device.user_code)
    for decision, status in (("deny", 409), ("allow", 404)):
        form = {**hidden(page), "decision": decision}
        assert (await ada.send("POST", "/approve", data=form)).status_code == status
    assert refusal(await device.poll()) == (400, "access_denied")


async def test_n112_guessing_codes_is_throttled_and_the_right_one_too_then(
    server: Server, ada: Person
) -> None:
    device = await begin(server)
    answers = [await ada.type_code("BBBB-BBBB") for _ in range(11)]
    assert Counter(answer.status_code for answer in answers) == {404: 10, 429: 1}
    assert (await ada.type_code(device.user_code)).status_code == 429


async def test_n112_codes_that_are_right_cost_nothing(server: Server, ada: Person) -> None:
    device = await begin(server)
    for _ in range(15):
        assert (await ada.type_code(device.user_code.lower().replace("-", " "))).status_code == 303


async def test_the_question_says_who_asks_for_what_since_when_and_from_where(
    server: Server, ada: Person
) -> None:
    client = await tv(server, name="Telly")
    device = await begin(server, client)
    page = await ada.get((await ada.type_code(device.user_code)).headers["location"])
    for said in ("Allow Telly?", "192.0.2.7", "only if you have just started it yourself",
                 "See your e-mail address", "ada@app.example", "Unverified"):  # fmt: skip
        assert said in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_even_a_trusted_client_is_asked_about_each_time(server: Server, ada: Person) -> None:
    client = await tv(server, trusted=True, first_party=True)
    for _ in range(2):
        device = await begin(server, client)
        page = await ada.get((await ada.type_code(device.user_code)).headers["location"])
        assert 'id="consent-allow"' in page.text
        assert refusal(await device.poll())[1] == "authorization_pending"
        await ada.approve(device)


async def test_only_the_session_that_typed_the_code_may_answer(server: Server, ada: Person) -> None:
    device = await begin(server)
    where = (await ada.type_code(device.user_code)).headers["location"]
    eve = Person(server)
    await eve.sign_in(await server.person("eve@app.example"))
    assert (await eve.get(where)).status_code == 404
    request = where.partition("request=")[2]
    page = await eve.get("/device")
    form = {**hidden(page), "request": request, "decision": "allow"}
    assert (await eve.send("POST", "/approve", data=form)).status_code == 404
    assert refusal(await device.poll())[1] == "authorization_pending"


async def test_n180_a_forged_answer_is_refused(server: Server, ada: Person) -> None:
    device = await begin(server)
    where = (await ada.type_code(device.user_code)).headers["location"]
    form = {"request": where.partition("request=")[2], "decision": "allow"}
    assert (await ada.send("POST", "/approve", data=form)).status_code == 403
    assert (await ada.send("POST", "/device", data={"user-code": "x"})).status_code == 403


async def test_an_answer_is_given_once(server: Server, ada: Person) -> None:
    device = await begin(server)
    where = (await ada.type_code(device.user_code)).headers["location"]
    page = await ada.get(where)
    await ada.send("POST", "/approve", data={**hidden(page), "decision": "deny"})
    again = await ada.send("POST", "/approve", data={**hidden(page), "decision": "allow"})
    assert again.status_code == 409
    assert refusal(await device.poll())[1] == "access_denied"


async def test_twenty_answers_and_twenty_redemptions_have_one_winner(
    server: Server, ada: Person
) -> None:
    device = await begin(server, scope="openid offline_access")
    session = await ada.sign_in(await server.person("bob@app.example"))
    who, desk = who_of(session), server.parts.desk

    async def typed() -> str:
        found = await server.run(
            lambda work: open_typed(
                work,
                works=server.works,
                envelope=server.parts.envelope,
                who=who,
                block="192.0.2.0/24",
                typed=device.user_code,
            )
        )
        return found.id

    request_id = await typed()

    async def answer(number: int) -> str:
        try:
            if number % 2:
                await server.run(lambda work: deny(work, request_id=request_id, who=who))
                return "denied"
            await server.run(lambda work: approve(work, request_id=request_id, who=who, desk=desk))
        except Conflict:
            return "late"
        return "approved"

    answers = Counter(await asyncio.gather(*map(answer, range(20))))
    assert answers["late"] == 19
    if answers["denied"]:
        assert refusal(await device.poll())[1] == "access_denied"
        device = await approved(server, ada, scope="openid offline_access")
    polls = await asyncio.gather(*(device.poll() for _ in range(20)))
    assert Counter(poll.status_code for poll in polls) == {200: 1, 400: 19}


async def test_rfc_9449_5_a_code_begun_with_a_key_is_redeemed_with_it(
    server: Server, ada: Person
) -> None:
    prover = Prover(server, await tv(server))
    path = "/oauth2/device_authorization"
    told = await server.http.post(
        path,
        data={"client_id": prover.client.id, "scope": "openid offline_access"},
        headers={"dpop": prover.proof(path)},
    )
    device = Device(server, prover.client, told.json())
    await ada.approve(device)
    form = {"grant_type": DEVICE_CODE, "device_code": device.told["device_code"]}
    assert refusal(await device.poll()) == (400, "invalid_grant")
    thief = Prover(server, prover.client)
    assert refusal(await thief.ask(form)) == (400, "invalid_grant")
    answer = await prover.ask(form)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    raw = answer.json()["refresh_token"]
    assert refusal(await thief.refresh(raw)) == (400, "invalid_grant")
    assert (await prover.refresh(raw)).status_code == 200


async def test_a_headless_person_looks_and_answers_by_json(server: Server, ada: Person) -> None:
    device = await begin(server)
    code = device.user_code
    shown = (await ada.get(f"/api/v1/device/{code}")).json()
    assert (shown["kind"], shown["status"], shown["requested_from"]) == (
        "device",
        "consent",
        "192.0.2.7",
    )
    assert [scope["scope"] for scope in shown["scopes"]] == ["openid", "email"]
    done = await _json(ada, f"/api/v1/device/{code}/approve")
    assert (done.status_code, done.json()["status"]) == (200, "approved"), done.text
    assert (await device.poll()).status_code == 200
    assert (await _json(ada, f"/api/v1/device/{code}/deny")).status_code == 404
    assert (await ada.get("/api/v1/device/BBBB-BBBB")).json()["code"] == "user_code_unknown"
    assert (await Person(server).get(f"/api/v1/device/{code}")).status_code == 401


async def _json(ada: Person, path: str) -> httpx2.Response:
    page = await ada.get("/device")
    return await ada.send("POST", path, headers={"x-csrf-token": hidden(page)["csrf"]})
