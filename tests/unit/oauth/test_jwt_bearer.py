from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import Any

import pytest

from limen.kernel.clock import to_timestamp
from limen.oauth.trust.trust_issuer import end_trust
from limen.protocol.client_metadata import JWT_BEARER, TOKEN_EXCHANGE
from limen.protocol.jwk import generate_key
from limen.protocol.token_exchange import JWT
from limen.testing.clock import FrozenClock
from limen.tokens import principals
from tests.unit.oauth.exchange_kit import (
    API,
    OTHER_API,
    UPSTREAM,
    Upstream,
    allow,
    claims_of,
    exchange,
    exchanged,
    exchanger,
    sign_in,
)
from tests.unit.oauth.http_kit import Server, refusal

pytestmark = pytest.mark.anyio
_numbers = itertools.count()


_TYP = "typ names another kind of token than is taken here."


def jti() -> str:
    return f"jti-{next(_numbers)}"


async def upstream(server: Server, **trust: Any) -> Upstream:
    await server.resource(API)
    client = await exchanger(server, allowed=False)
    made = Upstream(server, client, await server.person())
    await made.trust(**trust)
    return made


async def test_rfc_7523_a_trusted_issuers_word_gives_a_token_for_its_user(server: Server) -> None:
    idp = await upstream(server)
    answer = await idp.present(idp.asserts(jti=jti()))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["scope"] == "read"
    assert "refresh_token" not in told
    assert "issued_token_type" not in told
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["aud"], claims["client_id"]) == (
        idp.user_id,
        API,
        idp.client.id,
    )
    assert "auth_time" not in claims
    # A sign-in that is still to come would be a recent one for as long (RFC 9470).
    ahead = idp.asserts(jti=jti(), auth_time=claims["iat"] + 50)
    later = (await idp.present(ahead)).json()
    assert "auth_time" not in claims_of(later["access_token"])
    assert (await server.introspect(idp.client, told["access_token"]))["active"]
    assert "oauth:assertion:accepted" in [event.name for event in server.events]


async def test_its_token_ends_with_its_user(server: Server) -> None:
    idp = await upstream(server)
    raw = (await idp.present(idp.asserts(jti=jti()))).json()["access_token"]
    await server.run(lambda work: principals.disable(work, principal_id=idp.user_id))
    assert await server.introspect(idp.client, raw) == {"active": False}
    assert refusal(await idp.present(idp.asserts(jti=jti()))) == (400, "invalid_grant")


async def test_n111_what_is_wrong_with_an_assertion_is_invalid_grant(server: Server) -> None:
    idp = await upstream(server)
    now = to_timestamp(server.works.clock.now())
    stranger = generate_key("ES256")
    wrong: list[dict[str, Any]] = [
        {"iss": "https://stranger.example"},
        {"iss": server.site.issuer},
        {"iss": None},
        {"iss": 7},
        {"aud": "https://stranger.example"},
        {"aud": idp.client.id},
        {"aud": None},
        {"sub": None},
        {"sub": "somebody-else"},
        {"sub": idp.user_id},
        {"exp": None},
        {"exp": now - 30},
        {"exp": now + 7200},
        {"iat": None},
        {"iat": now - 400},
        {"iat": now + 60},
        {"jti": None},
        {"jti": ""},
        {"nbf": now + 120},
        {"typ": "at+jwt"},
        {"typ": "oauth-id-jag+jwt"},
        {"key": stranger},
        {"cnf": {"jkt": "x" * 43}},
        {"cnf": {"x5t#S256": "x" * 43}},
        {"cnf": {}},
    ]
    for changes in wrong:
        assertion = idp.asserts(**{"jti": jti(), **changes})
        assert refusal(await idp.present(assertion)) == (400, "invalid_grant"), changes
    good = idp.asserts(jti=jti())
    for raw in ("x", "a.b.c", good[:-4], good + "=", good.replace(".", ".e30.", 1)):
        assert refusal(await idp.present(raw)) == (400, "invalid_grant")
    assert refusal(await idp.present("")) == (400, "invalid_request")
    assert len(server.denied()) == len(wrong) + 6


async def test_n111_what_is_wrong_is_told_once_a_trusted_signature_holds(server: Server) -> None:
    idp = await upstream(server)
    now = to_timestamp(server.works.clock.now())
    used = jti()
    assert (await idp.present(idp.asserts(jti=used))).status_code == 200
    date = "must be a NumericDate"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"aud": "https://stranger.example"}, f"aud must be {server.site.issuer}"),
        ({"exp": now - 30}, "It has expired: exp has passed."),
        ({"exp": now + 7200}, f"exp {date}, at most 300 seconds ahead."),
        ({"exp": None}, "exp is missing."),
        ({"iat": now - 400}, "It is too old: iat is too long ago."),
        ({"iat": now + 30}, f"iat {date}, and not in the future."),
        ({"nbf": now + 120}, f"nbf {date}, and not in the future."),
        ({"jti": None}, "jti is missing."),
        ({"jti": used}, "It was presented before: each needs a jti of its own."),
        ({"typ": "at+jwt"}, _TYP),
        ({"typ": "oauth-id-jag+jwt"}, _TYP),
        ({"sub": "somebody-else"}, "No account here is linked to the subject it names."),
        (
            {"cnf": {"jkt": "x" * 43}},
            "It is bound to a key: send a DPoP proof made with that key.",
        ),
    ]
    stranger, generic = generate_key("ES256"), set()
    for changes, words in wrong:
        given = {"jti": jti(), **changes}
        answer = await idp.present(idp.asserts(**given))
        assert refusal(answer) == (400, "invalid_grant")
        assert answer.json()["error_description"] == f"The assertion: {words}"
        for unproven in ({"key": stranger}, {"iss": "https://stranger.example"}):
            answer = await idp.present(idp.asserts(**{**given, **unproven}))
            generic.add((answer.status_code, answer.text))
    answer = await idp.present("not a token")
    assert generic == {(answer.status_code, answer.text)}
    assert answer.json()["error_description"] == "The assertion is not accepted."


async def test_n111_an_assertion_is_used_once(server: Server) -> None:
    idp = await upstream(server)
    assertion = idp.asserts(jti=jti())
    answers = await asyncio.gather(*(idp.present(assertion) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert refusal(await idp.present(assertion)) == (400, "invalid_grant")


async def test_n111_the_algorithms_are_the_issuers(server: Server) -> None:
    idp = await upstream(server, algorithms=["PS256"])
    assert refusal(await idp.present(idp.asserts(jti=jti()))) == (400, "invalid_grant")


async def test_only_named_clients_may_present_it(server: Server) -> None:
    idp = await upstream(server, clients=["somebody"])
    assert refusal(await idp.present(idp.asserts(jti=jti()))) == (400, "invalid_grant")


async def test_only_named_resources_and_scopes_come_of_it(server: Server) -> None:
    idp = await upstream(server)
    await server.resource(OTHER_API)
    sent = await idp.present(idp.asserts(jti=jti()), resource=OTHER_API)
    assert refusal(sent) == (400, "invalid_target")
    sent = await idp.present(idp.asserts(jti=jti()), resource="")
    assert refusal(sent) == (400, "invalid_target")
    sent = await idp.present(idp.asserts(jti=jti()), scope="admin limen:full offline_access")
    assert refusal(sent) == (400, "invalid_scope")
    sent = await idp.present(idp.asserts(jti=jti()), scope="read admin")
    assert sent.json()["scope"] == "read"


async def test_a_resource_is_named_however_it_is_written(server: Server) -> None:
    idp = await upstream(server, resources=["HTTPS://Api.example/"])
    assert (await idp.present(idp.asserts(jti=jti()))).status_code == 200


async def test_an_issuer_may_name_our_own_ids_where_that_is_the_rule(server: Server) -> None:
    idp = await upstream(server, subjects="user_id")
    assert refusal(await idp.present(idp.asserts(jti=jti()))) == (400, "invalid_grant")
    sent = await idp.present(idp.asserts(jti=jti(), sub=idp.user_id))
    assert sent.status_code == 200, sent.text
    machine = await idp.present(idp.asserts(jti=jti(), sub=idp.client.id))
    assert refusal(machine) == (400, "invalid_grant")


async def test_an_email_address_finds_nobody(server: Server) -> None:
    idp = await upstream(server)
    assertion = idp.asserts(jti=jti(), sub="other", email="ada@app.example", email_verified=True)
    assert refusal(await idp.present(assertion)) == (400, "invalid_grant")


async def test_an_issuer_is_believed_no_more(server: Server) -> None:
    idp = await upstream(server)
    trusted = idp.trusted
    assert trusted is not None
    await server.run(lambda work: end_trust(work, issuer_id=trusted.id))
    assert refusal(await idp.present(idp.asserts(jti=jti()))) == (400, "invalid_grant")


async def test_an_assertion_may_be_made_for_the_token_endpoint_where_that_is_the_rule(
    server: Server,
) -> None:
    idp = await upstream(server, audience="token_endpoint")
    assert refusal(await idp.present(idp.asserts(jti=jti()))) == (400, "invalid_grant")
    endpoint = f"{server.site.issuer}/oauth2/token"
    sent = await idp.present(idp.asserts(jti=jti(), aud=[endpoint, "https://x.example"]))
    assert sent.status_code == 200, sent.text


async def test_what_was_revoked_since_is_worth_nothing(server: Server, clock: FrozenClock) -> None:
    idp = await upstream(server)
    assertion = idp.asserts(jti=jti())
    clock.advance(dt.timedelta(seconds=5))
    await server.run(lambda work: principals.set_not_before(work, principal_id=idp.user_id))
    assert refusal(await idp.present(assertion)) == (400, "invalid_grant")


# Identity assertions.


async def test_id_jag_gives_a_token_to_the_client_it_names(server: Server) -> None:
    idp = await upstream(server, profiles=["id-jag"])
    now = to_timestamp(server.works.clock.now())
    sent = await idp.present(
        idp.identity(jti=jti(), scope="read", auth_time=now - 60, amr=["pwd", "otp"])
    )
    assert sent.status_code == 200, sent.text
    claims = claims_of(sent.json()["access_token"])
    assert (claims["aud"], claims["scope"]) == (API, "read")
    assert (claims["auth_time"], claims["amr"]) == (now - 60, ["pwd", "otp"])


async def test_id_jag_is_for_one_client_one_server_and_one_resource(server: Server) -> None:
    idp = await upstream(server, profiles=["id-jag"], resources=[API, OTHER_API])
    await server.resource(OTHER_API)
    wrong: list[dict[str, Any]] = [
        {"client_id": "somebody"},
        {"client_id": None},
        {"client_id": [idp.client.id]},
        {"aud": [server.site.issuer, "https://x.example"]},
        {"aud": f"{server.site.issuer}/oauth2/token"},
        {"resource": [API, OTHER_API]},
        {"resource": 7},
        {"resource": ""},
        {"resource": "https://unknown.example"},
        {"resource": "no address"},
        {"scope": 7},
        {"scope": "unknown"},
        {"jti": None},
    ]
    for changes in wrong:
        assertion = idp.identity(**{"jti": jti(), **changes})
        assert refusal(await idp.present(assertion)) == (400, "invalid_grant"), changes
    sent = await idp.present(idp.identity(jti=jti(), resource=OTHER_API))
    assert refusal(sent) == (400, "invalid_target")
    single = idp.identity(jti=jti(), aud=[server.site.issuer], resource=[API])
    assert (await idp.present(single)).status_code == 200


async def test_id_jag_bounds_the_scope(server: Server) -> None:
    idp = await upstream(server, profiles=["id-jag"], scopes=["read", "admin"])
    sent = await idp.present(idp.identity(jti=jti(), scope="read"), scope="read admin")
    assert sent.json()["scope"] == "read"
    sent = await idp.present(idp.identity(jti=jti(), scope="read"), scope="admin")
    assert refusal(sent) == (400, "invalid_scope")


async def test_n084_no_kind_of_assertion_stands_in_for_the_other(server: Server) -> None:
    idp = await upstream(server, profiles=["id-jag"])
    plain = idp.asserts(jti=jti(), client_id=idp.client.id, resource=API)
    assert refusal(await idp.present(plain)) == (400, "invalid_grant")


# As subject tokens.


async def test_a_trusted_jwt_is_exchanged(server: Server) -> None:
    idp = await upstream(server)
    assertion = idp.asserts(jti=jti(), act={"sub": "agent"})
    await allow(server, idp.client)
    sent = await exchange(server, idp.client, assertion, subject_token_type=JWT)
    assert refusal(sent) == (400, "invalid_request")
    await allow(server, idp.client, subject_issuers=[UPSTREAM], subjects=[idp.user_id])
    told = await exchanged(server, idp.client, assertion, subject_token_type=JWT)
    claims = claims_of(told["access_token"])
    assert claims["sub"] == idp.user_id
    assert claims["act"] == {"sub": idp.client.id, "act": {"sub": "agent"}}
    assert claims["exp"] <= claims_of(assertion)["exp"]


async def test_n111_what_is_wrong_with_a_trusted_jwt_is_told_at_exchange_too(
    server: Server,
) -> None:
    idp = await upstream(server, profiles=["jwt", "id-jag"])
    await allow(server, idp.client, subject_issuers=[UPSTREAM], subjects=["*"])
    now, stranger = to_timestamp(server.works.clock.now()), generate_key("ES256")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"exp": now - 30}, "It has expired: exp has passed."),
        ({"typ": "at+jwt"}, _TYP),
        ({"cnf": {"x5t#S256": "x" * 43}}, "cnf must hold a jkt alone."),
        ({"sub": "somebody-else"}, "No account here is linked to the subject it names."),
    ]
    generic = set()
    for changes, words in wrong:
        raw = idp.asserts(jti=jti(), **changes)
        sent = await exchange(server, idp.client, raw, subject_token_type=JWT)
        assert refusal(sent) == (400, "invalid_request")
        assert sent.json()["error_description"] == f"The subject_token: {words}"
        for unproven in ({"key": stranger}, {"iss": "https://stranger.example"}):
            raw = idp.asserts(**{"jti": jti(), **changes, **unproven})
            sent = await exchange(server, idp.client, raw, subject_token_type=JWT)
            generic.add((sent.status_code, sent.json()["error_description"]))
    assert generic == {(400, "The subject_token is not valid.")}
    raw = idp.identity(jti=jti())
    sent = await exchange(server, idp.client, raw, subject_token_type=JWT)
    assert sent.json()["error_description"] == (
        "The subject_token: An identity assertion is a grant: present it as one."
    )


async def test_exchange_is_no_way_around_what_an_issuer_is_trusted_with(server: Server) -> None:
    await server.resource(API)
    await server.resource(OTHER_API)
    metadata = {"grant_types": ["client_credentials", JWT_BEARER, TOKEN_EXCHANGE]}
    client = await server.client("machine", scope=("read", "admin"), metadata=metadata)
    idp = Upstream(server, client, await server.person("bob@app.example"))
    await idp.trust()
    places, scope = [API, OTHER_API], ["read", "admin"]
    await allow(server, client, subject_issuers=[UPSTREAM], audiences=places, scopes=scope)
    for form, told in (
        ({"scope": "read admin"}, (200, "read")),
        ({"scope": "admin"}, (400, "invalid_scope")),
        ({"scope": "read", "resource": OTHER_API}, (400, "invalid_target")),
    ):
        form["subject_token_type"] = JWT
        sent = await exchange(server, client, idp.asserts(jti=jti()), **form)
        assert (sent.status_code, sent.json().get("error", sent.json().get("scope"))) == told, form


async def test_may_act_names_who_alone_may_act(server: Server) -> None:
    idp = await upstream(server)
    await allow(server, idp.client, subject_issuers=[UPSTREAM])
    for named, status in (
        ({"sub": idp.client.id}, 200),
        ({"sub": idp.client.id, "iss": server.site.issuer}, 200),
        ({"sub": "agent"}, 400),
        ({"sub": idp.client.id, "iss": UPSTREAM}, 400),
        ({"sub": idp.client.id, "role": "x"}, 400),
        ({}, 400),
        ("agent", 400),
    ):
        assertion = idp.asserts(jti=jti(), may_act=named)
        sent = await exchange(server, idp.client, assertion, subject_token_type=JWT)
        assert sent.status_code == status, (named, sent.text)


async def test_n205_nobodys_word_gives_what_is_a_persons_at_our_own_api(server: Server) -> None:
    api = f"{server.site.issuer}/api/v1"
    scope = ("users:write", "self", "connections:read", "connections:token", "openid")
    metadata = {"grant_types": ["client_credentials", JWT_BEARER, TOKEN_EXCHANGE]}
    client = await server.client("machine", scope=scope, metadata=metadata)
    idp = Upstream(server, client, await server.person("bob@app.example"))
    await idp.trust(resources=[api], scopes=list(scope))
    answer = await idp.present(idp.asserts(jti=jti()), resource=api, scope=" ".join(scope))
    assert answer.json()["scope"] == "openid"
    for alone in scope[:-1]:
        refused = await idp.present(idp.asserts(jti=jti()), resource=api, scope=alone)
        assert refusal(refused) == (400, "invalid_scope")
    await allow(server, client, audiences=[api], scopes=scope, subject_issuers=[UPSTREAM])
    form = {"subject_token_type": JWT, "resource": api, "scope": " ".join(scope[:-1])}
    refused = await exchange(server, client, idp.asserts(jti=jti()), **form)
    assert refusal(refused) == (400, "invalid_scope")
    await server.resource(API)
    ada = await sign_in(server, await server.client(), resource=API, scope=("read",))
    form = {"resource": api, "scope": "connections:token"}
    assert refusal(await exchange(server, client, ada.access, **form)) == (400, "invalid_scope")


async def test_n205_nobodys_word_opens_a_connection_by_way_of_another_api(server: Server) -> None:
    # What a token is exchanged for a third party's with: a person gives it, and nobody else.
    scope = ("read", "connections:token")
    metadata = {"grant_types": ["client_credentials", JWT_BEARER, TOKEN_EXCHANGE]}
    client = await server.client("machine", scope=scope, metadata=metadata)
    await server.resource(API, scopes=scope)
    idp = Upstream(server, client, await server.person("bob@app.example"))
    places = [API, server.site.issuer]
    await idp.trust(resources=places, scopes=list(scope))
    await allow(server, client, audiences=places, scopes=scope, subject_issuers=[UPSTREAM])
    web = await server.client(scope=("openid", *scope))
    read_only = await sign_in(server, web, resource=API, scope=("read",))
    signed_in = await sign_in(server, web, scope=("openid",), email="cy@app.example")
    for place in places:
        form = {"resource": place, "scope": "connections:token"}
        by_assertion = await idp.present(idp.asserts(jti=jti()), **form)
        assert refusal(by_assertion) == (400, "invalid_scope")
        theirs = await exchange(
            server, client, idp.asserts(jti=jti()), subject_token_type=JWT, **form
        )
        assert refusal(theirs) == (400, "invalid_scope")
        for ours in (read_only, signed_in):
            widened = await exchange(server, client, ours.access, **form)
            assert refusal(widened) == (400, "invalid_scope")
    given = await sign_in(server, web, resource=API, scope=scope, email="di@app.example")
    narrowed = await exchange(server, client, given.access, resource=API, scope="connections:token")
    assert narrowed.json()["scope"] == "connections:token"
