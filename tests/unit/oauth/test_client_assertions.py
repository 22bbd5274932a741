from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
from typing import Any

import httpx2
import pytest

from limen.db.work import Work
from limen.kernel.errors import InvalidClient
from limen.kernel.secret import Secret
from limen.oauth.client_authentication.by_assertion import check_assertion
from limen.oauth.client_authentication.presented import Presented
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.rotate_client_secret import rotate_client_secret
from limen.protocol.client_authentication import AssertionCredentials
from limen.protocol.client_metadata import Profile
from limen.protocol.jwk import SigningKey, generate_key
from limen.protocol.params import Params
from limen.testing.clock import FrozenClock
from tests.client_assertions import assertion_claims, hashed, presented, signed
from tests.unit.net.servers import answer, listening
from tests.unit.oauth.http_kit import Known, Server, refusal

pytestmark = pytest.mark.anyio

KEY, OTHER, RSA = generate_key("ES256"), generate_key("ES256"), generate_key("RS256")
ENDPOINTS = ("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke")
MACHINE = {"grant_type": "client_credentials", "token": "x"}


def jwks(*keys: SigningKey) -> dict[str, Any]:
    return {"jwks": {"keys": [key.public.jwk() for key in keys]}}


async def signing(server: Server, *keys: SigningKey, **metadata: Any) -> Known:
    """Register a machine that signs assertions."""
    members = {**jwks(*(keys or (KEY,))), **metadata}
    return await server.client("machine", auth_method="private_key_jwt", metadata=members)


def claims(server: Server, client_id: str, **changes: Any) -> dict[str, Any]:
    changes = {"audience": server.site.issuer, **changes}
    return assertion_claims(client_id, now=server.works.clock.now(), **changes)


async def ask(
    server: Server, raw: str, *, path: str = ENDPOINTS[0], **form: str
) -> httpx2.Response:
    return await server.http.post(path, data={**MACHINE, **presented(raw), **form})


async def test_a_client_authenticates_with_its_key_at_every_endpoint(server: Server) -> None:
    app = await signing(server)
    for path in ENDPOINTS:
        for form in ({}, {"client_id": app.id}):
            sent = await ask(server, signed(claims(server, app.id), KEY), path=path, **form)
            assert sent.status_code == 200, sent.text


async def test_a_client_authenticates_with_a_key_it_publishes(server: Server) -> None:
    body = json.dumps(jwks(KEY, OTHER)["jwks"]).encode()
    async with listening(answer(body)) as published:
        app = await server.client(
            "machine", auth_method="private_key_jwt", metadata={"jwks_uri": published.url}
        )
        for key in (KEY, OTHER, KEY):
            sent = await ask(server, signed(claims(server, app.id), key))
            assert sent.status_code == 200, sent.text
        assert len(published.requests) == 1


async def test_n063_an_assertion_is_taken_once(server: Server, clock: FrozenClock) -> None:
    app = await signing(server)
    raw = signed(claims(server, app.id), KEY)
    assert (await ask(server, raw)).status_code == 200
    for path in ENDPOINTS:
        assert refusal(await ask(server, raw, path=path)) == (401, "invalid_client")
    clock.advance(dt.timedelta(minutes=1))
    assert refusal(await ask(server, raw)) == (401, "invalid_client")


async def test_n063_an_assertion_counts_as_used_by_a_request_that_was_refused(
    server: Server,
) -> None:
    app = await signing(server)
    raw = signed(claims(server, app.id), KEY)
    assert refusal(await ask(server, raw, grant_type="password"))[1] == "unsupported_grant_type"
    assert refusal(await ask(server, raw)) == (401, "invalid_client")


async def test_n063_nobody_else_uses_up_a_jti(server: Server) -> None:
    app, other = await signing(server), await signing(server, OTHER)
    said = claims(server, app.id)
    assert refusal(await ask(server, signed(said, OTHER, kid=KEY.kid)))[0] == 401
    theirs = claims(server, other.id, jti=said["jti"])
    assert (await ask(server, signed(theirs, OTHER))).status_code == 200
    assert (await ask(server, signed(said, KEY))).status_code == 200


async def test_n063_twenty_at_once_and_one_is_let_in(server: Server) -> None:
    app = await signing(server)
    raw = signed(claims(server, app.id), KEY)
    answers = await asyncio.gather(*(ask(server, raw) for _ in range(20)))
    told = sorted(answer.status_code for answer in answers)
    assert told == [200] + [401] * 19, [answer.text for answer in answers]


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_n064_what_its_client_did_not_sign_is_told_alike(server: Server, path: str) -> None:
    app, public = await signing(server), await server.client("spa")
    secret, other = await server.client("machine"), await signing(server, OTHER)
    gone = await signing(server)
    await server.run(lambda work: disable_client(work, client_id=gone.id))
    raws = [
        signed(claims(server, app.id), OTHER, kid=KEY.kid),
        signed(claims(server, app.id), OTHER),
        signed(claims(server, app.id, iss=other.id), KEY),
        signed(claims(server, app.id, sub=other.id), KEY),
        signed(claims(server, app.id, jti=None), OTHER, kid=KEY.kid),
        signed(claims(server, app.id, audience="https://other.example"), OTHER, kid=KEY.kid),
        signed(claims(server, app.id, exp=1), OTHER, kid=KEY.kid),
        signed(claims(server, app.id), OTHER, kid=KEY.kid, typ="at+jwt"),
        signed(claims(server, app.id), RSA),
        signed(claims(server, "nobody"), KEY),
        signed(claims(server, public.id), KEY),
        signed(claims(server, secret.id), KEY),
        hashed(claims(server, secret.id), secret.secret),
        signed(claims(server, gone.id), KEY),
        "x.y.z",
        "x",
        "\u00e9" * 100,
    ]
    answers = [await ask(server, raw, path=path) for raw in raws]
    answers.append(await ask(server, signed(claims(server, app.id), KEY), path=path, client_id="x"))
    for_others = [  # it did sign these, and whoever they went to has them
        signed({"iss": app.id, "aud": server.site.issuer}, KEY, typ="oauth-authz-req+jwt"),
        signed({"htm": "POST", "htu": server.site.issuer, "jti": "x"}, KEY, typ="dpop+jwt"),
        signed(claims(server, app.id, exp=1), KEY, typ="at+jwt"),
    ]
    answers += [await ask(server, raw, path=path, client_id=app.id) for raw in for_others]
    told = {(answer.status_code, answer.text) for answer in answers}
    assert len(told) == 1, told
    assert refusal(answers[0]) == (401, "invalid_client")


async def test_n057_a_client_that_signs_has_no_other_way(server: Server) -> None:
    app = await signing(server)
    for form in ({"client_id": app.id}, {"client_id": app.id, "client_secret": "x"}):
        sent = await server.http.post("/oauth2/token", data={**MACHINE, **form})
        assert refusal(sent) == (401, "invalid_client")


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion_type": None},
        {"client_assertion_type": ""},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion": None},
        {"client_assertion": ""},
        {"client_secret": "x"},
    ],
)
async def test_o7_half_an_assertion_is_none(server: Server, form: dict[str, str | None]) -> None:
    app, public = await signing(server), await server.client("spa")
    for client in (app, public):
        whole = {
            **MACHINE,
            "client_id": client.id,
            **presented(signed(claims(server, app.id), KEY)),
        }
        sent = {name: value for name, value in {**whole, **form}.items() if value is not None}
        for path in ENDPOINTS:
            answer = await server.http.post(path, data=sent)
            assert refusal(answer) == (400, "invalid_request")


async def test_n060_an_endpoint_is_an_audience_only_for_clients_that_may(server: Server) -> None:
    strict, lax = await signing(server), await signing(server, assertion_audience="endpoints")
    issuer = server.site.issuer
    for audience in (f"{issuer}/oauth2/token", f"{issuer}/oauth2/introspect"):
        raw = signed(claims(server, strict.id, audience=audience), KEY)
        assert refusal(await ask(server, raw, path="/oauth2/introspect"))[0] == 401
        raw = signed(claims(server, lax.id, audience=audience), KEY)
        assert (await ask(server, raw, path="/oauth2/introspect")).status_code == 200
        raw = signed(claims(server, lax.id, audience=[audience]), KEY)
        assert refusal(await ask(server, raw, path="/oauth2/introspect"))[0] == 401
    raw = signed(claims(server, lax.id, audience=f"{issuer}/oauth2/revoke"), KEY)
    assert refusal(await ask(server, raw, path="/oauth2/introspect"))[0] == 401


async def test_a_registered_algorithm_is_the_only_one(server: Server) -> None:
    app = await signing(server, KEY, RSA, token_endpoint_auth_signing_alg="ES256")
    assert (await ask(server, signed(claims(server, app.id), KEY))).status_code == 200
    assert refusal(await ask(server, signed(claims(server, app.id), RSA)))[0] == 401


async def test_fapi_clients_do_not_sign_with_rs256(server: Server) -> None:
    members = {"profile": "fapi2", **jwks(KEY, RSA), "dpop_bound_access_tokens": False,
               "tls_client_certificate_bound_access_tokens": True}  # fmt: skip
    app = await server.client("machine", auth_method="private_key_jwt", metadata=members)
    assert refusal(await ask(server, signed(claims(server, app.id), RSA)))[0] == 401
    sent = await ask(server, signed(claims(server, app.id), KEY), path="/oauth2/introspect")
    assert sent.status_code == 200


async def test_a_secret_that_is_shared_signs(server: Server) -> None:
    app = await server.client("machine", auth_method="client_secret_jwt")
    raw = hashed(claims(server, app.id), app.secret)
    assert (await ask(server, raw)).status_code == 200
    assert refusal(await ask(server, raw))[0] == 401
    assert refusal(await ask(server, hashed(claims(server, app.id), "x" * 59)))[0] == 401
    assert refusal(await server.post("/oauth2/token", app, **MACHINE))[0] == 401
    form = {"client_id": app.id, "client_secret": app.secret, **MACHINE}
    assert refusal(await server.http.post("/oauth2/token", data=form))[0] == 401


@pytest.mark.parametrize("profile", ["mcp", "fapi2", "fapi2_message_signing"])
async def test_no_profile_lets_a_shared_secret_sign(server: Server, profile: Profile) -> None:
    app = await server.client("machine", auth_method="client_secret_jwt")

    async def body(work: Work) -> None:
        client = await server.parts.clients.find(work, app.id)
        assert client is not None
        metadata = dataclasses.replace(client.metadata, profile=profile)
        credentials = AssertionCredentials(
            client_id=app.id,
            raw_assertion=Secret(hashed(claims(server, app.id), app.secret)),
        )
        await check_assertion(
            work,
            parts=server.parts,
            client=dataclasses.replace(client, metadata=metadata),
            credentials=credentials,
            presented=_presented(),
        )

    with pytest.raises(InvalidClient):
        await server.run(body)


def _presented() -> Presented:
    async def remember(client_id: str, jti: str, until: dt.datetime) -> bool:
        return True

    return Presented(
        authorization=None,
        params=Params(()),
        certificate=None,
        path="/oauth2/token",
        remember=remember,
    )


async def test_while_a_shared_secret_rotates_both_sign(server: Server, clock: FrozenClock) -> None:
    app = await server.client("machine", auth_method="client_secret_jwt")
    made = await server.run(
        lambda work: rotate_client_secret(work, client_id=app.id, envelope=server.parts.envelope)
    )
    for secret in (app.secret, made.raw_secret.reveal()):
        assert (await ask(server, hashed(claims(server, app.id), secret))).status_code == 200
        old = await ask(
            server, hashed(claims(server, app.id, exp=int(clock.now().timestamp()) - 60), secret)
        )
        assert "It has expired" in old.json()["error_description"]
    clock.advance(dt.timedelta(days=40))
    assert refusal(await ask(server, hashed(claims(server, app.id), app.secret)))[0] == 401


async def test_an_assertion_of_another_tenant_is_not_for_us(server: Server) -> None:
    app = await signing(server)
    audience = f"{server.site.issuer}/t/other"
    assert (
        refusal(await ask(server, signed(claims(server, app.id, audience=audience), KEY)))[0] == 401
    )
