from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from limen.access.permissions import FULL_SCOPE
from limen.accounts.ending.disable_user import disable_user
from limen.db.outbox import OutboxLoop
from limen.db.tables import outbox
from limen.db.work import Work, Works
from limen.kernel.actor import Actor
from limen.kernel.errors import (
    Conflict,
    NotAuthenticated,
    NotPermitted,
    ReauthenticationRequired,
)
from limen.kernel.site import Site
from limen.mfa.prove import AMR
from limen.oauth.decoupled.decide import approve, deny
from limen.oauth.decoupled.ping import KIND, ping_handler
from limen.oauth.decoupled.waiting_for import waiting_for
from limen.oauth.endpoints.decoupled.answering import answering
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.subjects import sector_of
from limen.oauth.sweep import sweep
from limen.protocol.client_metadata import CIBA
from limen.protocol.jwk import generate_key
from limen.protocol.jwt import peek
from limen.sessions.elevate import elevate
from limen.sessions.session import Session
from limen.tenants.policies.assurance import TWO_FACTORS
from limen.testing.clock import START, FrozenClock
from tests.client_assertions import assertion_claims, presented, signed
from tests.request_objects import object_claims, signed_object
from tests.unit.mfa.kit import enrol
from tests.unit.net.servers import answer, listening
from tests.unit.oauth.decoupled_kit import (
    BASE,
    Asking,
    Person,
    asking,
    bank,
    extend,
    have_asked,
    pass_seconds,
    who_of,
)
from tests.unit.oauth.dpop_kit import Prover
from tests.unit.oauth.http_kit import Known, Server, refusal, serve
from tests.unit.oauth.journey_kit import hidden, way_back

pytestmark = pytest.mark.anyio
KEY = generate_key("ES256")
TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, site, extend=extend)
    yield made
    await made.close()


@pytest.fixture
async def ada(server: Server) -> str:
    return await server.person()


async def ids(server: Server, user_id: str) -> list[str]:
    found = await server.run(lambda work: waiting_for(work, user_id=user_id))
    return [each.id for each in found]


async def approved(server: Server, ada: str, waits: Asking) -> Session:
    session, _ = await server.session(ada)
    await allow(server, (await ids(server, ada))[-1], session)
    return session


async def allow(server: Server, request_id: str, session: Session) -> None:
    desk, who = server.parts.desk, who_of(session)
    await server.run(lambda work: approve(work, request_id=request_id, who=who, desk=desk))


async def mails(server: Server) -> int:
    async def count(work: Work) -> int:
        rows = await work.execute(
            sa.select(sa.func.count()).where(
                outbox.c.tenant_id == sa.bindparam("tenant_id"), outbox.c.kind == "mail"
            )
        )
        return int(rows.scalar())

    return await server.run(count)


async def test_a_person_is_asked_told_by_mail_and_agrees(server: Server, ada: str) -> None:
    waits = await asking(server, binding_message="W4SCT")
    assert (waits.told["expires_in"], waits.told["interval"]) == (300, 5)
    assert await mails(server) == 1
    assert refusal(await waits.poll()) == (400, "authorization_pending")
    session = await approved(server, ada, waits)
    told = (await waits.poll()).json()
    claims = peek(told["id_token"]).claims
    assert (claims["sub"], claims["aud"], claims["sid"]) == (ada, waits.client.id, session.id)
    assert claims["auth_time"] == int(session.authenticated_at.timestamp())
    assert "urn:openid:params:jwt:claim:auth_req_id" not in claims
    assert told["scope"] == "openid email"
    assert refusal(await waits.poll()) == (400, "invalid_grant")


async def test_ciba_11_polls_that_come_too_early_are_slowed_down(
    server: Server, ada: str, clock: FrozenClock
) -> None:
    waits = await asking(server)
    assert refusal(await waits.poll())[1] == "authorization_pending"
    assert refusal(await waits.poll())[1] == "slow_down"
    pass_seconds(clock, 10)
    assert refusal(await waits.poll())[1] == "authorization_pending"
    pass_seconds(clock, 300)
    assert refusal(await waits.poll())[1] == "expired_token"


async def test_ciba_11_who_said_no_is_access_denied(server: Server, ada: str) -> None:
    waits = await asking(server)
    session, _ = await server.session(ada)
    (request_id,) = await ids(server, ada)
    await server.run(lambda work: deny(work, request_id=request_id, who=who_of(session)))
    assert refusal(await waits.poll()) == (400, "access_denied")


async def test_ciba_7_1_exactly_one_hint_names_the_person(server: Server, ada: str) -> None:
    client = await bank(server)
    for form, code in (
        ({"login_hint": ""}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": "", "login_hint_token": "x"}, "invalid_request"),
        ({"login_hint": "", "id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": "nobody@app.example"}, "unknown_user_id"),
        ({"login_hint": "no address at all"}, "unknown_user_id"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"binding_message": "x" * 101}, "invalid_binding_message"),
        ({"binding_message": "pay\u202e100"}, "invalid_binding_message"),
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "soon"}, "invalid_request"),
        ({"resource": "https://nowhere.example"}, "invalid_target"),
    ):
        assert refusal(await have_asked(server, client, **form)) == (400, code), form
    assert await ids(server, ada) == []


async def test_ciba_7_1_an_id_token_of_ours_names_the_person(server: Server, ada: str) -> None:
    client = await bank(server)
    first = await asking(server, client)
    await approved(server, ada, first)
    hint = (await first.poll()).json()["id_token"]
    await asking(server, client, login_hint="", id_token_hint=hint)
    assert len(await ids(server, ada)) == 1
    await asking(server, client, login_hint=str(peek(hint).claims["sub"]))
    assert len(await ids(server, ada)) == 2
    other = await bank(server)
    told = await have_asked(server, other, login_hint="", id_token_hint=hint)
    assert refusal(told) == (400, "invalid_request")


async def test_ciba_4_a_pairwise_subject_is_of_the_host_of_the_keys(
    server: Server, ada: str
) -> None:
    jwks = json.dumps({"keys": [KEY.public.jwk()]}).encode()
    async with listening(answer(jwks)) as keys:
        signs = {"backchannel_authentication_request_signing_alg": "ES256"}
        client = await bank(server, subject_type="pairwise", jwks_uri=keys.url, **signs)

        async def ask(**hint: str) -> Asking:
            raw = signed_object(said(client, server, **{"login_hint": None, **hint}), KEY)
            return await asking(server, client, request=raw, login_hint="", scope="")

        first = await ask(login_hint="ada@app.example")
        await approved(server, ada, first)
        hint = (await first.poll()).json()["id_token"]
        subject = str(peek(hint).claims["sub"])
        assert subject not in {ada, await server.subject(await bank(server), ada)}
        await ask(id_token_hint=hint)
        await ask(login_hint=subject)
        assert len(await ids(server, ada)) == 2
        known = await server.run(lambda work: server.parts.clients.find(work, client.id))
    assert known is not None
    assert sector_of(known) == "127.0.0.1"


async def test_who_was_disabled_is_as_unknown_as_who_never_was(server: Server, ada: str) -> None:
    await server.run(lambda work: disable_user(work, user_id=ada))
    assert refusal(await have_asked(server, await bank(server))) == (400, "unknown_user_id")


async def test_n129_an_address_nobody_proved_names_nobody(server: Server) -> None:
    await server.person("squat@app.example", verified=False)
    told = await have_asked(server, await bank(server), login_hint="squat@app.example")
    assert refusal(told) == (400, "unknown_user_id")
    assert await mails(server) == 0


def test_an_application_can_not_agree_on_behalf_of_its_user() -> None:
    actor = Actor("user", id="ada", session_id="s", authenticated_at=START)
    assert answering(actor).user_id == "ada"
    assert answering(dataclasses.replace(actor, scope=frozenset({FULL_SCOPE}))).session_id == "s"
    with pytest.raises(NotPermitted, match="first_party_only"):
        answering(dataclasses.replace(actor, scope=frozenset({"openid"})))
    for changes in ({"session_id": ""}, {"authenticated_at": None}, {"kind": "client"}):
        with pytest.raises(NotAuthenticated):
            answering(dataclasses.replace(actor, **changes))


async def test_only_confidential_clients_that_registered_for_it_may_ask(
    server: Server, ada: str
) -> None:
    other = await server.client("machine")
    assert refusal(await have_asked(server, other)) == (400, "unauthorized_client")
    public = await server.client("native")
    assert refusal(await have_asked(server, public))[0] == 401
    assert refusal(await have_asked(server, Known(other.id, "wrong")))[0] == 401


async def test_a_client_can_not_tire_a_person_with_requests(server: Server, ada: str) -> None:
    client = await bank(server)
    for _ in range(5):
        await asking(server, client)
    told = await have_asked(server, client)
    assert (told.status_code, told.headers["retry-after"]) == (429, "60")
    assert (await have_asked(server, await bank(server))).status_code == 200


@pytest.mark.parametrize(("asked", "told"), [("60", 60), ("100000", 900)])
async def test_ciba_7_1_the_client_may_say_how_long_within_bounds(
    server: Server, ada: str, asked: str, told: int
) -> None:
    assert (await asking(server, requested_expiry=asked)).told["expires_in"] == told


async def test_another_persons_request_is_neither_seen_nor_answered(
    server: Server, ada: str
) -> None:
    waits = await asking(server)
    (request_id,) = await ids(server, ada)
    eve = Person(server)
    await eve.sign_in(await server.person("eve@app.example"))
    assert (await eve.get("/api/v1/approvals")).json() == {"items": []}
    assert (await eve.get(f"/approve?request={request_id}")).status_code == 404
    for answer_ in ("approve", "deny"):
        done = await json_post(eve, f"/api/v1/approvals/{request_id}/{answer_}")
        assert (done.status_code, done.json()["code"]) == (404, "approval_not_found")
    assert refusal(await waits.poll())[1] == "authorization_pending"


async def test_the_page_shows_what_the_other_screen_shows(server: Server, ada: str) -> None:
    waits = await asking(server, binding_message="W4SCT <b>")
    (request_id,) = await ids(server, ada)
    person = Person(server)
    first = await person.get(f"/approve?request={request_id}")
    assert way_back(first) == f"/approve?request={request_id}"
    await person.sign_in(ada)
    page = await person.get(f"/approve?request={request_id}")
    assert "W4SCT &lt;b&gt;" in page.text
    done = await person.answer(f"/approve?request={request_id}", "allow")
    assert 'id="approved"' in done.text
    assert (await waits.poll()).status_code == 200


async def test_a_headless_person_lists_and_answers_by_json(server: Server, ada: str) -> None:
    waits = await asking(server, binding_message="W4SCT")
    person = Person(server)
    await person.sign_in(ada)
    (shown,) = (await person.get("/api/v1/approvals")).json()["items"]
    assert (shown["kind"], shown["binding_message"]) == ("ciba", "W4SCT")
    done = await json_post(person, f"/api/v1/approvals/{shown['id']}/approve")
    assert (done.status_code, done.json()["status"]) == (200, "approved")
    late = await json_post(person, f"/api/v1/approvals/{shown['id']}/deny")
    assert (late.status_code, late.json()["code"]) == (409, "approval_answered")
    assert (await waits.poll()).status_code == 200


async def test_a_client_that_lost_its_scope_hides_nothing_else_that_waits(
    server: Server, ada: str
) -> None:
    lost, waits = await asking(server), await asking(server)
    person = Person(server)
    await person.sign_in(ada)
    await server.run(lambda work: disable_client(work, client_id=lost.client.id))
    (shown,) = (await person.get("/api/v1/approvals")).json()["items"]
    assert shown["client"]["client_id"] == waits.client.id


async def json_post(person: Person, path: str) -> Any:
    page = await person.get("/device")
    return await person.send("POST", path, headers={"x-csrf-token": hidden(page)["csrf"]})


async def test_acr_values_lead_a_person_with_a_second_factor_through_it(
    server: Server, ada: str, clock: FrozenClock
) -> None:
    envelope = server.parts.envelope
    await enrol(server.run, envelope=envelope, clock=clock, user_id=ada)
    waits = await asking(server, acr_values=TWO_FACTORS)
    (request_id,) = await ids(server, ada)
    person = Person(server)
    session = await person.sign_in(ada)
    (shown,) = (await person.get("/api/v1/approvals")).json()["items"]
    assert shown["status"] == "second_factor"
    page = await person.get(f"/approve?request={request_id}")
    assert way_back(page, "/sign-in/step") == f"/approve?request={request_id}"
    with pytest.raises(ReauthenticationRequired, match="step_required"):
        await allow(server, request_id, session)
    stepped = await server.run(
        lambda work: elevate(work, session_id=session.id, amr=AMR, again=False)
    )
    await allow(server, request_id, stepped.session)
    claims = peek((await waits.poll()).json()["id_token"]).claims
    assert claims["acr"] == TWO_FACTORS


async def test_a_client_with_default_max_age_gets_no_old_sign_in(
    server: Server, ada: str, clock: FrozenClock
) -> None:
    session, _ = await server.session(ada)
    pass_seconds(clock, 120)
    waits = await asking(server, await bank(server, default_max_age=60))
    (request_id,) = await ids(server, ada)
    with pytest.raises(ReauthenticationRequired, match="reauth_required"):
        await allow(server, request_id, session)
    await approved(server, ada, waits)
    assert (await waits.poll()).status_code == 200


async def test_twenty_answers_and_twenty_redemptions_have_one_winner(
    server: Server, ada: str
) -> None:
    waits = await asking(server, scope="openid offline_access")
    (request_id,) = await ids(server, ada)
    session, _ = await server.session(ada)

    async def answer_once(_number: int) -> str:
        try:
            await allow(server, request_id, session)
        except Conflict:
            return "late"
        return "approved"

    answers = Counter(await asyncio.gather(*map(answer_once, range(20))))
    assert answers == {"approved": 1, "late": 19}
    polls = await asyncio.gather(*(waits.poll() for _ in range(20)))
    assert Counter(poll.status_code for poll in polls) == {200: 1, 400: 19}


def said(client: Known, server: Server, **changes: Any) -> dict[str, Any]:
    now = server.works.clock.now()
    seconds = int(now.timestamp())
    given = {"scope": "openid", "login_hint": "ada@app.example", "requested_expiry": 60}
    made = object_claims(client.id, issuer=server.site.issuer, now=now, said=given)
    made |= {
        "iss": client.id,
        "aud": server.site.issuer,
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + 300,
        "jti": "j-1",
    }
    made.pop("client_id", None)
    return {name: value for name, value in (made | changes).items() if value is not None}


async def signing(server: Server) -> Known:
    return await bank(
        server,
        jwks={"keys": [KEY.public.jwk()]},
        backchannel_authentication_request_signing_alg="ES256",
    )


async def test_ciba_7_1_1_a_signed_request_says_all_that_counts(server: Server, ada: str) -> None:
    client = await signing(server)
    raw = signed_object(said(client, server), KEY)
    told = await have_asked(
        server, client, request=raw, login_hint="", scope="", requested_expiry="120"
    )
    assert told.status_code == 200, told.text
    assert told.json()["expires_in"] == 60


async def test_ciba_7_1_1_who_registered_to_sign_must(server: Server, ada: str) -> None:
    assert refusal(await have_asked(server, await signing(server))) == (400, "invalid_request")


async def test_ciba_7_1_1_a_signed_request_must_say_who_when_and_to_whom(
    server: Server, ada: str
) -> None:
    client = await signing(server)
    without: list[dict[str, Any]] = [
        {name: None} for name in ("iss", "aud", "jti", "iat", "nbf", "exp")
    ]
    wrong: list[dict[str, Any]] = [
        {"iss": "another"},
        {"aud": "https://other.example"},
        {"exp": 1},
        {"exp": 9999999999},
        {"nbf": 1},
    ]
    for changes in (*without, *wrong):
        raw = signed_object(said(client, server, **changes), KEY)
        told = await have_asked(server, client, request=raw, scope="", login_hint="")
        assert refusal(told) == (400, "invalid_request"), changes


async def test_fapi_ciba_5_2_2_requests_are_signed_and_tokens_bound_to_a_key(
    server: Server, ada: str
) -> None:
    client = await server.client(
        "machine",
        grant_types=(CIBA,),
        auth_method="private_key_jwt",
        metadata={"profile": "fapi2", "jwks": {"keys": [KEY.public.jwk()]}},
    )

    def authenticated() -> dict[str, str]:
        now = server.works.clock.now()
        claims = assertion_claims(client.id, audience=server.site.issuer, now=now)
        return presented(signed(claims, KEY))

    path = "/oauth2/bc-authorize"
    bare = {"scope": "openid", "login_hint": "ada@app.example"}
    told = await server.http.post(path, data={**bare, **authenticated()})
    assert refusal(told) == (400, "invalid_request")
    raw = signed_object(said(client, server), KEY)
    told = await server.http.post(path, data={"request": raw, **authenticated()})
    assert told.status_code == 200, told.text
    waits = Asking(server, client, dict(told.json()))
    await approved(server, ada, waits)
    form = {"grant_type": CIBA, "auth_req_id": waits.told["auth_req_id"]}
    unbound = await server.http.post("/oauth2/token", data={**form, **authenticated()})
    assert refusal(unbound) == (400, "invalid_request")
    bound = await server.http.post(
        "/oauth2/token",
        data={**form, **authenticated()},
        headers={"dpop": Prover(server, client).proof()},
    )
    assert (bound.status_code, bound.json()["token_type"]) == (200, "DPoP"), bound.text


async def test_n065_another_clients_key_signs_nothing(server: Server, ada: str) -> None:
    client = await signing(server)
    raw = signed_object(said(client, server), generate_key("ES256"))
    told = await have_asked(server, client, request=raw, scope="", login_hint="")
    assert refusal(told) == (400, "invalid_request")


class Pings:
    """The loop that delivers, run by hand."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.failures: list[str] = []
        handler = ping_handler(
            works=server.works,
            envelope=server.parts.envelope,
            clients=server.parts.clients,
            net=server.parts.net,
        )

        async def site_of(_tenant_id: str) -> Site:
            return server.site

        async def mail(_delivery: Any) -> None:
            """Take mails from the queue."""

        self.loop = OutboxLoop(
            server.works,
            {KIND: handler, "mail": mail},
            site_of=site_of,
            on_failure=lambda _kind, name: self.failures.append(name),
        )

    async def waiting(self, url: str) -> tuple[Asking, str]:
        client = await bank(
            self.server,
            backchannel_token_delivery_mode="ping",
            backchannel_client_notification_endpoint=f"{url}/pinged",
        )
        waits = await asking(self.server, client, client_notification_token=TOKEN)
        await self.loop.run_once()
        return waits, client.id


async def test_ciba_10_2_a_client_in_ping_mode_is_told_that_there_is_an_answer(
    server: Server, ada: str
) -> None:
    pings = Pings(server)
    async with listening(answer(b"", status="204 No Content")) as theirs:
        waits, _ = await pings.waiting(theirs.url)
        assert theirs.requests == []
        await approved(server, ada, waits)
        await pings.loop.run_once()
        head, _, body = theirs.requests[0].partition(b"\r\n\r\n")
        assert json.loads(body) == {"auth_req_id": waits.told["auth_req_id"]}
        assert f"Bearer {TOKEN}".encode() in head
        assert await pings.loop.run_once() == 0
    assert (await waits.poll()).status_code == 200


@pytest.mark.parametrize("status", ["401 Unauthorized", "302 Found"])
async def test_ciba_10_2_a_client_that_refuses_is_told_once_and_not_followed(
    server: Server, ada: str, status: str
) -> None:
    pings = Pings(server)
    async with listening(answer(b"", status=status, headers="Location: /else\r\n")) as theirs:
        waits, _ = await pings.waiting(theirs.url)
        await approved(server, ada, waits)
        await pings.loop.run_once()
        assert len(theirs.requests) == 1
        assert await pings.loop.run_once() == 0
    assert pings.failures == []
    assert "oauth:approval:ping_refused" in server.denied()


async def test_ciba_10_2_trouble_at_the_client_is_tried_again(server: Server, ada: str) -> None:
    pings = Pings(server)
    async with listening(answer(b"", status="503 Service Unavailable")) as theirs:
        waits, _ = await pings.waiting(theirs.url)
        await approved(server, ada, waits)
        await pings.loop.run_once()
    assert pings.failures == ["ping_not_taken"]


async def test_ciba_7_1_ping_takes_a_token_of_the_client(server: Server, ada: str) -> None:
    client = await bank(
        server,
        backchannel_token_delivery_mode="ping",
        backchannel_client_notification_endpoint="https://bank.example/ping",
    )
    assert refusal(await have_asked(server, client)) == (400, "invalid_request")
    bad = await have_asked(server, client, client_notification_token="a b")
    assert refusal(bad) == (400, "invalid_request")


@pytest.mark.parametrize(("answer_", "told"), [("allow", 200), ("deny", 400)])
async def test_in_development_a_suite_answers_for_the_person(
    server: Server, ada: str, answer_: str, told: int
) -> None:
    waits = await asking(server)
    path = f"{BASE}/dev/ciba/{waits.told['auth_req_id']}/{answer_}"
    foreign = await server.http.post(path, headers={"host": "evil.example"})
    assert foreign.status_code == 404
    assert (await server.http.post(path)).status_code == 204
    assert (await server.http.post(path)).status_code == 409
    assert (await waits.poll()).status_code == told


async def test_an_auth_req_id_is_no_device_code_and_is_for_its_client_alone(
    server: Server, ada: str
) -> None:
    waits = await asking(server)
    await approved(server, ada, waits)
    thief = Asking(server, await bank(server), waits.told)
    assert refusal(await thief.poll()) == (400, "invalid_grant")
    assert (await waits.poll()).status_code == 200


async def test_a_request_is_forgotten_an_hour_after_its_time(
    server: Server, ada: str, clock: FrozenClock
) -> None:
    waits = await asking(server)
    clock.advance(dt.timedelta(minutes=64))
    await server.run(sweep)
    assert refusal(await waits.poll())[1] == "expired_token"
    clock.advance(dt.timedelta(minutes=2))
    await server.run(sweep)
    assert refusal(await waits.poll())[1] == "invalid_grant"
