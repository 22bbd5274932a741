from __future__ import annotations

import datetime as dt

import pytest

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.oauth.exchange.case import Case
from limen.oauth.exchange.readers import Presented
from limen.oauth.exchange.subject import Subject
from limen.oauth.exchange.targets import Exchanges
from limen.oauth.granted import Handed
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.revocation.revoke_all import revoke_all_tokens
from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.protocol.token_exchange import ACCESS_TOKEN, ID_TOKEN, REFRESH_TOKEN
from limen.sessions.revoke import revoke
from limen.testing.clock import FrozenClock
from limen.tokens import principals
from limen.tokens.end_grant import end_grant, end_grants_of_consent
from tests.unit.oauth.dpop_kit import Prover
from tests.unit.oauth.exchange_kit import (
    API,
    OTHER_API,
    Signed,
    allow,
    claims_of,
    exchange,
    exchanged,
    exchanger,
    own_token,
    sign_in,
)
from tests.unit.oauth.http_kit import Known, Server, refusal

pytestmark = pytest.mark.anyio


async def setting(server: Server, **policy: object) -> tuple[Known, Known, Signed]:
    """A client somebody signed in to, a machine that may exchange, and the person's tokens."""
    await server.resource(API)
    client = await server.client()
    ada = await sign_in(server, client)
    return client, await exchanger(server, **policy), ada


async def test_rfc_8693_a_client_obtains_a_token_for_whoever_called_it(server: Server) -> None:
    client, machine, ada = await setting(server)
    told = await exchanged(server, machine, ada.access)
    assert told["issued_token_type"] == ACCESS_TOKEN
    assert told["token_type"] == "Bearer"
    assert told["scope"] == "read"
    assert "refresh_token" not in told
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["aud"]) == (ada.user_id, API)
    assert claims["client_id"] == machine.id
    assert claims["act"] == {"sub": machine.id}
    assert claims["jti"].partition(".")[0] == claims_of(ada.access)["jti"].partition(".")[0]
    assert (await server.introspect(machine, told["access_token"]))["act"] == {"sub": machine.id}
    event = next(each for each in server.events if each.name == "oauth:token:exchanged")
    said = event.detail()
    assert (said["user_id"], said["actor"], said["client_id"]) == (
        ada.user_id,
        machine.id,
        machine.id,
    )
    assert said["subject_client_id"] == client.id


async def test_it_lives_no_longer_than_what_it_was_exchanged_for(
    server: Server, clock: FrozenClock
) -> None:
    _, machine, ada = await setting(server)
    clock.advance(dt.timedelta(minutes=10))
    told = await exchanged(server, machine, ada.access)
    assert claims_of(told["access_token"])["exp"] == claims_of(ada.access)["exp"]
    assert told["expires_in"] <= 300


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_it_ends_with_the_grant_of_what_it_was_exchanged_for(
    server: Server, token_format: str
) -> None:
    await server.resource(API, token_format=token_format)
    client = await server.client()
    ada = await sign_in(server, client)
    machine = await exchanger(server)
    raw = (await exchanged(server, machine, ada.access))["access_token"]
    assert (await server.introspect(machine, raw))["active"]
    sent = await server.post("/oauth2/revoke", client, token=ada.tokens["refresh_token"])
    assert sent.status_code == 200
    assert await server.introspect(machine, raw) == {"active": False}


async def test_n048_it_ends_when_any_of_the_three_is_disabled(server: Server) -> None:
    client, machine, ada = await setting(server)
    third = await exchanger(server)
    raw = (await exchanged(server, machine, ada.access))["access_token"]
    assert (await server.introspect(machine, raw))["active"]
    await server.run(lambda work: principals.disable(work, principal_id=client.id))
    assert await server.introspect(machine, raw) == {"active": False}
    other = await server.client()
    bob = await sign_in(server, other, email="bob@app.example")
    raw = (await exchanged(server, third, bob.access))["access_token"]
    await server.run(lambda work: principals.disable(work, principal_id=bob.user_id))
    assert await server.introspect(third, raw) == {"active": False}


async def test_without_a_policy_nothing_is_exchanged(server: Server) -> None:
    _, machine, ada = await setting(server, allowed=False)
    sent = await exchange(server, machine, ada.access)
    assert refusal(sent) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "policy",
    [
        {"subject_clients": []},
        {"subject_clients": ["somebody"]},
        {"subjects": []},
        {"subjects": ["somebody"]},
    ],
)
async def test_a_policy_that_does_not_name_the_subject_refuses_it(
    server: Server, policy: dict[str, list[str]]
) -> None:
    _, machine, ada = await setting(server, **policy)
    assert refusal(await exchange(server, machine, ada.access)) == (400, "invalid_request")


async def test_the_target_must_be_named_by_the_policy(server: Server) -> None:
    await server.resource(OTHER_API)
    _, machine, ada = await setting(server)
    for target in (OTHER_API, "https://unknown.example", server.site.issuer, ""):
        sent = await exchange(server, machine, ada.access, resource=target)
        assert refusal(sent) == (400, "invalid_target")
    sent = await exchange(server, machine, ada.access, resource="", audience=API)
    assert sent.status_code == 200


async def test_rfc_8707_one_target_for_a_token(server: Server) -> None:
    await server.resource(OTHER_API)
    _, machine, ada = await setting(server, audiences=[API + "/", OTHER_API])
    same = await exchange(server, machine, ada.access, resource=[API, API + "/"], audience=API)
    assert same.status_code == 200
    for changes in ({"resource": [API, OTHER_API]}, {"audience": [API, OTHER_API]}):
        sent = await exchange(server, machine, ada.access, **changes)
        assert refusal(sent) == (400, "invalid_target")
    sent = await exchange(server, machine, ada.access, audience=OTHER_API)
    assert refusal(sent) == (400, "invalid_target")


async def test_the_scope_is_narrowed_and_never_widened(server: Server) -> None:
    await server.resource(API)
    client = await server.client(scope=("openid", "email", "read", "admin"))
    ada = await sign_in(server, client, scope=("openid", "read"), resource=API)
    machine = await exchanger(server, scopes=["read", "admin", "openid"])
    told = await exchanged(server, machine, ada.access, scope="read admin")
    assert told["scope"] == "read"
    sent = await exchange(server, machine, ada.access, scope="admin")
    assert refusal(sent) == (400, "invalid_scope")
    sent = await exchange(server, machine, ada.access, scope="limen:full offline_access")
    assert refusal(sent) == (400, "invalid_scope")


async def test_what_the_subject_token_did_not_tell_of_the_person_is_not_told(
    server: Server,
) -> None:
    await server.resource(API)
    client = await server.client()
    ada = await sign_in(server, client, scope=("read",))
    machine = await exchanger(server, scopes=["read", "openid"])
    told = await exchanged(server, machine, ada.access, scope="openid read")
    assert told["scope"] == "read"


@pytest.mark.parametrize("kind", [REFRESH_TOKEN, "urn:example:other", "access_token"])
async def test_other_subject_tokens_are_refused(server: Server, kind: str) -> None:
    _, machine, ada = await setting(server)
    sent = await exchange(server, machine, ada.tokens["refresh_token"], subject_token_type=kind)
    assert refusal(sent) == (400, "invalid_request")


async def test_n084_no_token_stands_in_for_another_type(server: Server) -> None:
    _, machine, ada = await setting(server)
    for raw in (ada.identity, ada.tokens["refresh_token"], "x", "a.b.c"):
        sent = await exchange(server, machine, raw)
        assert refusal(sent) == (400, "invalid_request")


async def test_n108_an_absent_subject_gives_no_service_token(server: Server) -> None:
    _, machine, ada = await setting(server)
    assert refusal(await exchange(server, machine, "")) == (400, "invalid_request")
    twice = await exchange(server, machine, ada.access, subject_token=[ada.access, ada.access])
    assert refusal(twice) == (400, "invalid_request")
    for changes in (
        {"subject_token_type": ""},
        {"subject_token_type": [ACCESS_TOKEN, ACCESS_TOKEN]},
        {"actor_token": ada.access},
        {"actor_token_type": ACCESS_TOKEN},
        {"requested_token_type": REFRESH_TOKEN},
        {"requested_token_type": "urn:example:other"},
    ):
        sent = await exchange(server, machine, ada.access, **changes)
        assert refusal(sent) == (400, "invalid_request")


async def test_a_public_client_exchanges_nothing(server: Server) -> None:
    _, _, ada = await setting(server)
    native = await server.client(
        "native",
        metadata={
            "grant_types": [
                "authorization_code",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            "token_endpoint_auth_method": "none",
        },
    )
    sent = await exchange(server, native, ada.access)
    assert refusal(sent) == (400, "unauthorized_client")


async def test_who_did_not_register_for_it_exchanges_nothing(server: Server) -> None:
    client, _, ada = await setting(server)
    assert refusal(await exchange(server, client, ada.access)) == (400, "unauthorized_client")


async def test_a_revoked_or_expired_token_is_exchanged_for_nothing(
    server: Server, clock: FrozenClock
) -> None:
    client, machine, ada = await setting(server)
    await server.post("/oauth2/revoke", client, token=ada.access)
    assert refusal(await exchange(server, machine, ada.access)) == (400, "invalid_request")
    bob = await sign_in(server, client, email="bob@app.example")
    clock.advance(dt.timedelta(minutes=15))
    assert refusal(await exchange(server, machine, bob.access)) == (400, "invalid_request")


async def test_an_ended_grant_is_exchanged_for_nothing(server: Server) -> None:
    _, machine, ada = await setting(server)
    grant_id = claims_of(ada.access)["jti"].partition(".")[0]
    await server.run(lambda work: end_grant(work, grant_id=grant_id, reason="revoked"))
    assert refusal(await exchange(server, machine, ada.access)) == (400, "invalid_request")


async def test_a_machines_own_token_is_a_subject_too(server: Server) -> None:
    await server.resource(API)
    agent = await server.client("machine", scope=("read",))
    machine = await exchanger(server, subject_clients=[agent.id], subjects=[agent.id])
    raw = (await exchanged(server, machine, await own_token(server, agent)))["access_token"]
    claims = claims_of(raw)
    assert (claims["sub"], claims["act"]) == (agent.id, {"sub": machine.id})
    assert "." not in claims["jti"]
    assert (await server.introspect(machine, raw))["active"]
    await server.run(lambda work: disable_client(work, client_id=agent.id))
    assert await server.introspect(machine, raw) == {"active": False}


async def test_an_id_token_is_exchanged_by_its_own_audience_while_the_session_lasts(
    server: Server,
) -> None:
    await server.resource(API)
    client = await server.client(
        scope=("openid", "read"),
        metadata={
            "grant_types": [
                "authorization_code",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ]
        },
    )
    ada = await sign_in(server, client)
    machine = await exchanger(server)
    stolen = await exchange(server, machine, ada.identity, subject_token_type=ID_TOKEN)
    assert refusal(stolen) == (400, "invalid_request")
    await allow(server, client, subject_clients=[client.id])
    told = await exchanged(server, client, ada.identity, subject_token_type=ID_TOKEN)
    raw = told["access_token"]
    assert claims_of(raw)["sub"] == ada.user_id
    assert (await server.introspect(client, raw))["active"]
    await server.run(lambda work: revoke(work, user_id=ada.user_id, session_id=ada.session_id))
    assert await server.introspect(client, raw) == {"active": False}
    again = await exchange(server, client, ada.identity, subject_token_type=ID_TOKEN)
    assert refusal(again) == (400, "invalid_request")


@pytest.mark.parametrize("how", ["client revokes", "person withdraws", "operator revokes"])
async def test_n048_an_id_token_is_worth_nothing_once_what_came_with_it_ended(
    server: Server, clock: FrozenClock, how: str
) -> None:
    await server.resource(API)
    types = ["authorization_code", "refresh_token", TOKEN_EXCHANGE]
    client = await server.client(scope=("openid", "read"), metadata={"grant_types": types})
    await allow(server, client, subject_clients=[client.id])
    ada = await sign_in(server, client)
    form = {"subject_token_type": ID_TOKEN}
    clock.advance(dt.timedelta(seconds=2))
    await exchanged(server, client, ada.identity, **form)  # what comes of it keeps nothing alive
    if how == "client revokes":
        sent = await server.post("/oauth2/revoke", client, token=ada.tokens["refresh_token"])
        assert sent.status_code == 200
    else:
        end = end_grants_of_consent if how == "person withdraws" else revoke_all_tokens
        more = {"reason": "consent_withdrawn"} if how == "person withdraws" else {}

        async def body(work: Work) -> None:
            await end(work, user_id=ada.user_id, client_id=client.id, **more)

        await server.run(body)
    assert refusal(await exchange(server, client, ada.identity, **form)) == (400, "invalid_request")


async def test_claims_asked_for_by_name_are_told_to_who_asked_alone(server: Server) -> None:
    await server.resource(API)
    client = await server.client()
    ada = await sign_in(
        server, client, scope=("openid", "read"), claims={"userinfo": {"email": {}}}
    )
    machine = await server.client(
        "machine",
        scope=("openid", "email", "read"),
        metadata={"grant_types": ["client_credentials", TOKEN_EXCHANGE]},
    )
    await allow(server, machine, scopes=["openid", "read"])
    raw = (await exchanged(server, machine, ada.access, scope="openid"))["access_token"]
    for token, told in ((ada.access, {"sub", "email"}), (raw, {"sub"})):
        bearer = {"authorization": f"Bearer {token}"}
        assert (await server.http.get("/oauth2/userinfo", headers=bearer)).json().keys() == told


async def test_n092_an_exchanged_token_is_revoked_by_who_obtained_it(server: Server) -> None:
    client, machine, ada = await setting(server)
    raw = (await exchanged(server, machine, ada.access))["access_token"]
    sent = await server.post("/oauth2/revoke", client, token=raw)
    assert refusal(sent) == (400, "invalid_grant")
    assert (await server.introspect(machine, raw))["active"]
    assert (await server.post("/oauth2/revoke", machine, token=raw)).status_code == 200
    assert await server.introspect(machine, raw) == {"active": False}
    assert (await server.introspect(client, ada.access))["active"]


# Bound tokens.


async def test_a_bound_token_is_exchanged_by_who_holds_its_key_alone(server: Server) -> None:
    await server.resource(API)
    machine = await exchanger(server)
    prover, stranger = Prover(server, machine), Prover(server, machine)
    bound = (await prover.machine(scope="read")).json()["access_token"]
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": bound,
        "subject_token_type": ACCESS_TOKEN,
        "resource": API,
    }
    for sent in (await prover.ask(form, proof=""), await stranger.ask(form)):
        assert refusal(sent) == (400, "invalid_request")
    answer = await prover.ask(form)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    told = await server.introspect(machine, answer.json()["access_token"])
    assert told["cnf"] == claims_of(bound)["cnf"]
    assert told["token_type"] == "DPoP"


async def test_a_bound_actor_token_needs_its_key_too(server: Server) -> None:
    _, machine, ada = await setting(server)
    actor = (await Prover(server, machine).machine(scope="read")).json()["access_token"]
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": ada.access,
        "subject_token_type": ACCESS_TOKEN,
        "actor_token": actor,
        "actor_token_type": ACCESS_TOKEN,
        "resource": API,
    }
    assert refusal(await Prover(server, machine).ask(form)) == (400, "invalid_request")


# Who acts.


async def test_rfc_8693_4_1_the_actor_token_says_who_acts(server: Server) -> None:
    client, machine, ada = await setting(server)
    bob = await sign_in(server, client, email="bob@app.example")
    raw = (
        await exchanged(
            server, machine, ada.access, actor_token=bob.access, actor_token_type=ACCESS_TOKEN
        )
    )["access_token"]
    claims = claims_of(raw)
    assert (claims["sub"], claims["act"]) == (ada.user_id, {"sub": bob.user_id})


async def test_n274_an_actor_token_of_an_origin_the_policy_does_not_name_says_nothing(
    server: Server,
) -> None:
    client, machine, ada = await setting(server)
    await allow(server, machine, subject_clients=[client.id])
    other = await server.client()
    bob = await sign_in(server, other, email="bob@app.example")
    acts = {"actor_token_type": ACCESS_TOKEN, "actor_token": bob.access}
    sent = await exchange(server, machine, ada.access, **acts)
    assert refusal(sent) == (400, "invalid_request")
    acts["actor_token"] = await own_token(server, machine, scope="read")
    told = await exchanged(server, machine, ada.access, **acts)
    assert claims_of(told["access_token"])["act"] == {"sub": machine.id}


async def test_who_acted_before_stays_named(server: Server) -> None:
    _, machine, ada = await setting(server)
    second = await exchanger(server)
    first = (await exchanged(server, machine, ada.access))["access_token"]
    raw = (await exchanged(server, second, first))["access_token"]
    assert claims_of(raw)["act"] == {"sub": second.id, "act": {"sub": machine.id}}
    await allow(server, second, impersonate=True)
    raw = (await exchanged(server, second, first))["access_token"]
    assert claims_of(raw)["act"] == {"sub": machine.id}


async def test_n274_nobody_goes_unnamed_unless_the_policy_says_so(server: Server) -> None:
    _, machine, ada = await setting(server)
    assert "act" in claims_of((await exchanged(server, machine, ada.access))["access_token"])
    await allow(server, machine, impersonate=True)
    assert "act" not in claims_of((await exchanged(server, machine, ada.access))["access_token"])


async def test_n274_who_acts_for_another_does_not_lend_that_on(server: Server) -> None:
    client, machine, ada = await setting(server)
    bob = await sign_in(server, client, email="bob@app.example")
    acting = (await exchanged(server, machine, bob.access))["access_token"]
    sent = await exchange(
        server, machine, ada.access, actor_token=acting, actor_token_type=ACCESS_TOKEN
    )
    assert refusal(sent) == (400, "invalid_request")


async def test_n274_the_chain_of_actors_is_bounded(server: Server) -> None:
    _, machine, ada = await setting(server)
    raw = ada.access
    for _ in range(4):
        raw = (await exchanged(server, machine, raw))["access_token"]
    assert refusal(await exchange(server, machine, raw)) == (400, "invalid_request")


# What others hand in.


class Beans:
    """Gives something that is no access token."""

    async def exchange(self, work: Work, *, case: Case) -> Handed:
        assert case.subject.user_id is not None
        return Handed(
            raw=Secret(f"beans for {case.subject.user_id}"),
            issued_type="urn:example:beans",
            token_type="N_A",
            scope=(),
            expires_in=None,
        )


async def test_further_targets_and_kinds_of_tokens_are_handed_in(server: Server) -> None:
    async def read_word(work: Work, presented: Presented) -> Subject | None:
        if presented.raw.reveal() != "please":
            return None
        return Subject(
            user_id="ada",
            client_id="words",
            subject="ada",
            expires_at=work.now + dt.timedelta(minutes=1),
        )

    given = Exchanges(
        targets={"urn:example:beans": Beans()}, readers={"urn:example:word": read_word}
    )
    object.__setattr__(server.parts, "exchanges", given)
    machine = await exchanger(server)
    asked = {
        "subject_token_type": "urn:example:word",
        "requested_token_type": "urn:example:beans",
    }
    told = await exchanged(server, machine, "please", **asked)
    assert told == {
        "access_token": "beans for ada",
        "issued_token_type": "urn:example:beans",
        "token_type": "N_A",
    }
    assert refusal(await exchange(server, machine, "now", **asked)) == (400, "invalid_request")
    await allow(server, machine, subjects=["bob"])
    assert refusal(await exchange(server, machine, "please", **asked)) == (400, "invalid_request")
