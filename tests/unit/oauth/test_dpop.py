from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work, Works
from limen.kernel.site import Site
from limen.oauth.parts import Parts
from limen.protocol.client_metadata import ClientType, Profile
from limen.protocol.jwt import peek
from limen.protocol.sender.nonce import STRETCH
from limen.tenants.policy import TenantPolicy
from limen.testing.clock import FrozenClock
from limen.tokens.sender.admit import admit
from limen.tokens.sender.credentials import read_credentials
from limen.web.exchange import PUBLIC, route
from tests.dpop import DpopKey
from tests.unit.oauth.dpop_kit import Prover, asking_for_nonces
from tests.unit.oauth.http_kit import CALLBACK, VERIFIER, Server, refusal, serve, under
from tests.unit.oauth.request_kit import fapi_client, proof_of

pytestmark = pytest.mark.anyio

BAD_PROOF = (400, "invalid_dpop_proof")
NO_GRANT = (400, "invalid_grant")
API = "https://api.example"


async def prover(server: Server, kind: ClientType = "web", **changes: Any) -> Prover:
    return Prover(server, await server.client(kind, **changes))


async def code(server: Server, by: Prover, **changes: Any) -> str:
    session, _ = await server.session(await server.person())
    return await server.code(by.client, session, **changes)


async def granted(server: Server, kind: ClientType = "web") -> tuple[Prover, dict[str, Any]]:
    by = await prover(server, kind)
    answer = await by.redeem(await code(server, by))
    assert answer.status_code == 200, answer.text
    return by, dict(answer.json())


async def test_rfc_9449_5_a_token_is_bound_to_the_proven_key(server: Server) -> None:
    by, told = await granted(server)
    assert told["token_type"] == "DPoP"
    assert peek(told["access_token"]).claims["cnf"] == {"jkt": by.key.jkt}
    seen = await server.introspect(by.client, told["access_token"])
    assert (seen["token_type"], seen["cnf"]) == ("DPoP", {"jkt": by.key.jkt})


async def test_without_a_proof_nothing_changes(server: Server) -> None:
    by = await prover(server)
    told = (await by.redeem(await code(server, by), proof="")).json()
    assert told["token_type"] == "Bearer"
    assert "cnf" not in peek(told["access_token"]).claims


async def test_an_opaque_token_is_bound_too(server: Server) -> None:
    await server.resource(API, token_format="opaque")
    by = await prover(server, "machine")
    told = (await by.machine(resource=API, scope="read")).json()
    seen = await server.introspect(by.client, told["access_token"])
    assert (seen["token_type"], seen["cnf"]) == ("DPoP", {"jkt": by.key.jkt})


async def test_a_client_bound_to_dpop_gets_nothing_without_a_proof(server: Server) -> None:
    by = await prover(server, "machine", metadata={"dpop_bound_access_tokens": True})
    assert refusal(await by.machine(proof="")) == BAD_PROOF
    assert (await by.machine()).json()["token_type"] == "DPoP"


async def test_a_resource_that_wants_bound_tokens_gets_no_others(server: Server) -> None:
    await server.resource(API, sender_constrained=True)
    by = await prover(server, "machine")
    assert refusal(await by.machine(resource=API, scope="read", proof="")) == BAD_PROOF
    assert (await by.machine(resource=API, scope="read")).json()["token_type"] == "DPoP"
    assert (await by.machine(scope="read", proof="")).json()["token_type"] == "Bearer"


async def test_a_refusal_for_want_of_a_proof_costs_no_code(server: Server) -> None:
    await server.resource(API, sender_constrained=True)
    by = await prover(server)
    raw = await code(server, by, resource=API, scope=("read",))
    assert refusal(await by.redeem(raw, proof="")) == BAD_PROOF
    assert (await by.redeem(raw)).status_code == 200


async def test_n100_a_proof_counts_once(server: Server) -> None:
    by = await prover(server, "machine")
    proof = by.proof()
    assert (await by.machine(proof=proof)).status_code == 200
    assert refusal(await by.machine(proof=proof)) == BAD_PROOF
    again = await serve(server.works, server.site)
    assert refusal(await Prover(again, by.client, by.key).machine(proof=proof)) == BAD_PROOF
    await again.http.aclose()


async def test_n100_of_twenty_at_once_one_wins(server: Server) -> None:
    by = await prover(server, "machine")
    proof = by.proof()
    answers = await asyncio.gather(*[by.machine(proof=proof) for _ in range(20)])
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_n100_a_refused_request_uses_its_proof_up(server: Server) -> None:
    by = await prover(server)
    proof = by.proof()
    assert refusal(await by.refresh("lmr_x", proof=proof)) == NO_GRANT
    assert refusal(await by.refresh("lmr_x", proof=proof)) == BAD_PROOF


async def test_another_client_s_jti_is_its_own(server: Server) -> None:
    one, two = await prover(server, "machine"), await prover(server, "machine")
    assert (await one.machine(proof=one.proof(jti="same"))).status_code == 200
    assert (await two.machine(proof=two.proof(jti="same"))).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"htu": "https://evil.example/oauth2/token"}, {"htm": "GET"}, {"iat": 1}, {"header": {"alg": "HS256"}},
     {"header": {"jwk": None}}],
    ids=str,
)  # fmt: skip
async def test_n101_a_bad_proof_is_refused_and_changes_nothing(
    server: Server, changes: dict[str, Any]
) -> None:
    by = await prover(server)
    raw = await code(server, by)
    assert refusal(await by.redeem(raw, proof=by.proof(**changes))) == BAD_PROOF
    assert (await by.redeem(raw)).status_code == 200


async def test_n101_the_host_header_is_no_address_of_ours(server: Server) -> None:
    by = await prover(server, "machine")
    proof = by.key.proof("POST", "http://evil.example/oauth2/token", now=by.now)
    headers = {**by.client.basic, "dpop": proof, "host": "evil.example"}
    form = {"grant_type": "client_credentials"}
    answer = await server.http.post("/oauth2/token", data=form, headers=headers)
    assert refusal(answer) == BAD_PROOF


async def test_n101_two_proofs_are_none(server: Server) -> None:
    by = await prover(server, "machine")
    lines = [*by.client.basic.items(), ("dpop", by.proof()), ("dpop", by.proof())]
    form = {"grant_type": "client_credentials"}
    answer = await server.http.post("/oauth2/token", data=form, headers=lines)
    assert refusal(answer) == BAD_PROOF


async def test_n103_a_proof_ages(server: Server, clock: FrozenClock) -> None:
    by = await prover(server, "machine")
    old, ahead = by.proof(), by.proof(iat=int(by.now.timestamp()) + 61)
    clock.advance(dt.timedelta(seconds=60))
    assert refusal(await by.machine(proof=old)) == BAD_PROOF
    assert (await by.machine(proof=ahead)).status_code == 200


async def test_n104_a_public_client_s_refresh_token_needs_its_key(server: Server) -> None:
    by, told = await granted(server, "spa")
    raw = told["refresh_token"]
    thief = Prover(server, by.client, DpopKey())
    assert refusal(await thief.refresh(raw)) == NO_GRANT
    assert refusal(await by.refresh(raw, proof="")) == NO_GRANT
    answer = await by.refresh(raw)
    assert answer.status_code == 200, answer.text
    assert peek(answer.json()["access_token"]).claims["cnf"] == {"jkt": by.key.jkt}


async def test_a_thief_in_the_grace_gets_nothing_and_ends_nothing(server: Server) -> None:
    by, told = await granted(server, "spa")
    second = (await by.refresh(told["refresh_token"])).json()
    thief = Prover(server, by.client, DpopKey())
    assert refusal(await thief.refresh(told["refresh_token"])) == NO_GRANT
    assert (await by.refresh(second["refresh_token"])).status_code == 200


async def test_a_confidential_client_changes_its_key_as_it_likes(server: Server) -> None:
    by, told = await granted(server)
    other = Prover(server, by.client, DpopKey())
    answer = await other.refresh(told["refresh_token"])
    assert peek(answer.json()["access_token"]).claims["cnf"] == {"jkt": other.key.jkt}
    plain = (await by.refresh(told["refresh_token"], proof="")).json()
    assert plain["token_type"] == "Bearer"
    assert "cnf" not in peek(plain["access_token"]).claims


async def test_rfc_9449_10_a_code_is_bound_to_the_key_of_its_request(server: Server) -> None:
    by = await prover(server)
    raw = await code(server, by, dpop_jkt=by.key.jkt)
    other = Prover(server, by.client, DpopKey())
    assert refusal(await other.redeem(raw)) == NO_GRANT
    assert refusal(await by.redeem(raw, proof="")) == NO_GRANT
    assert (await by.redeem(raw)).json()["token_type"] == "DPoP"


async def test_userinfo_takes_a_bound_token_with_its_proof(server: Server) -> None:
    by, told = await granted(server)
    answer = await by.userinfo(told["access_token"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["email"] == "ada@app.example"
    assert "dpop-nonce" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "error"),
    [({"scheme": "Bearer"}, "invalid_token"), ({"scheme": "Bearer", "proof": ""}, "invalid_token"),
     ({"proof": ""}, "invalid_dpop_proof"), ({"token": "other"}, "invalid_dpop_proof"),
     ({"ath": None}, "invalid_dpop_proof"), ({"htm": "POST"}, "invalid_dpop_proof"),
     ({"htu": "http://localhost:8000/oauth2/token"}, "invalid_dpop_proof")],
    ids=str,
)  # fmt: skip
async def test_n101_userinfo_refuses_a_bound_token_without_its_proof(
    server: Server, sent: dict[str, Any], error: str
) -> None:
    by, told = await granted(server)
    answer = await by.userinfo(told["access_token"], **sent)
    assert refusal(answer) == (401, error)
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("DPoP ")
    assert f'error="{error}"' in challenge
    assert 'algs="' in challenge
    assert "ES256" in challenge


async def test_userinfo_refuses_another_key_s_proof(server: Server) -> None:
    by, told = await granted(server)
    answer = await Prover(server, by.client, DpopKey()).userinfo(told["access_token"])
    assert refusal(answer) == (401, "invalid_token")


async def fapi_token(server: Server) -> tuple[Prover, str]:
    """A token of a FAPI client, bound to an RSA key by a proof with PS256."""
    by = Prover(server, await fapi_client(server), DpopKey("RS256"))
    session, _ = await server.session(await server.person())
    form = {
        "grant_type": "authorization_code",
        "code": await server.code(by.client, session),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **proof_of(server, by.client),
    }
    answer = await by.ask(form, proof=by.proof(header={"alg": "PS256"}))
    assert answer.status_code == 200, answer.text
    return by, str(answer.json()["access_token"])


async def test_fapi_2_sp_5_4_1_a_resource_takes_no_rs256_proof_of_a_fapi_client(
    server: Server,
) -> None:
    by, token = await fapi_token(server)
    assert refusal(await by.userinfo(token)) == (401, "invalid_dpop_proof")
    assert (await by.userinfo(token, header={"alg": "PS256"})).status_code == 200


@pytest.mark.parametrize(("profile", "status"), [("fapi2", 401), ("", 204)])
async def test_fapi_2_sp_5_4_1_where_no_client_is_asked_the_tenants_profile_says(
    works: Works, site: Site, profile: Profile, status: int
) -> None:
    def extend(app: FastAPI, parts: Parts) -> None:
        async def probe(request: Request, work: Work) -> Response:
            presented = read_credentials(request.headers.getlist("authorization"))
            assert presented is not None
            await admit(request, work, keyring=parts.keyring, presented=presented)
            return Response(status_code=204)

        app.router.routes.append(route("/probe", probe, guard=PUBLIC, face="oauth"))

    server = await serve(works, under(site, TenantPolicy(profile=profile)), extend=extend)
    by, token = await fapi_token(server)
    proof = by.proof("/probe", "GET", token=token)
    headers = {"authorization": f"DPoP {token}", "dpop": proof}
    assert (await server.http.get("/probe", headers=headers)).status_code == status
    await server.close()


async def test_userinfo_refuses_a_bound_token_in_the_form(server: Server) -> None:
    by, told = await granted(server)
    form = {"access_token": told["access_token"]}
    answer = await server.http.post("/oauth2/userinfo", data=form, headers={"dpop": by.proof()})
    assert refusal(answer) == (401, "invalid_token")


async def test_n100_userinfo_takes_a_proof_once(server: Server) -> None:
    by, told = await granted(server)
    proof = by.proof("/oauth2/userinfo", "GET", token=told["access_token"])
    assert (await by.userinfo(told["access_token"], proof=proof)).status_code == 200
    answer = await by.userinfo(told["access_token"], proof=proof)
    assert refusal(answer) == (401, "invalid_dpop_proof")


async def test_a_bearer_token_does_not_come_as_dpop(server: Server) -> None:
    by = await prover(server)
    raw = (await by.redeem(await code(server, by), proof="")).json()["access_token"]
    answer = await by.userinfo(raw)
    assert refusal(answer) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert (await by.userinfo(raw, scheme="Bearer", proof="")).status_code == 200


async def test_a_nonce_that_nobody_asked_for_is_checked(server: Server) -> None:
    by = await prover(server, "machine")
    answer = await by.machine(proof=by.proof(nonce="invented"))
    assert refusal(answer) == (400, "use_dpop_nonce")
    nonce = answer.headers["dpop-nonce"]
    good = await by.machine(proof=by.proof(nonce=nonce))
    assert (good.status_code, good.headers["dpop-nonce"]) == (200, nonce)


@pytest.fixture
async def nonces(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, asking_for_nonces(site, "always"))
    yield made
    await made.http.aclose()


async def test_n103_where_a_nonce_is_needed_none_and_an_old_one_are_refused(
    nonces: Server, clock: FrozenClock
) -> None:
    by = await prover(nonces, "machine")
    first = await by.machine()
    assert refusal(first) == (400, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    assert (await by.machine(proof=by.proof(nonce=nonce))).status_code == 200
    clock.advance(STRETCH)
    later = await by.machine(proof=by.proof(nonce=nonce))
    assert later.status_code == 200
    assert later.headers["dpop-nonce"] != nonce
    clock.advance(STRETCH)
    assert refusal(await by.machine(proof=by.proof(nonce=nonce))) == (400, "use_dpop_nonce")


async def test_rfc_9449_9_userinfo_asks_for_a_nonce_too(nonces: Server) -> None:
    by = await prover(nonces)
    raw = await code(nonces, by)
    nonce = (await by.redeem(raw)).headers["dpop-nonce"]
    told = (await by.redeem(raw, proof=by.proof(nonce=nonce))).json()
    asked = await by.userinfo(told["access_token"])
    assert refusal(asked) == (401, "use_dpop_nonce")
    assert 'error="use_dpop_nonce"' in asked.headers["www-authenticate"]
    good = await by.userinfo(told["access_token"], nonce=asked.headers["dpop-nonce"])
    assert good.status_code == 200
    assert good.headers["dpop-nonce"]


async def test_another_node_knows_the_nonce(nonces: Server) -> None:
    by = await prover(nonces, "machine")
    nonce = (await by.machine()).headers["dpop-nonce"]
    node = await serve(nonces.works, nonces.site)
    other = Prover(node, by.client, by.key)
    assert (await other.machine(proof=other.proof(nonce=nonce))).status_code == 200
    await node.http.aclose()


async def test_nonces_for_fapi_clients_alone(works: Works, site: Site) -> None:
    server = await serve(works, asking_for_nonces(site, "fapi"))
    by = await prover(server, "machine")
    assert (await by.machine()).status_code == 200
    await server.http.aclose()


async def test_discovery_names_the_algorithms(server: Server) -> None:
    said = (await server.http.get("/.well-known/openid-configuration")).json()
    named = said["dpop_signing_alg_values_supported"]
    assert set(named) == {"ES256", "RS256", "PS256", "EdDSA", "Ed25519"}
    by = await prover(server, "machine")
    keys = {"ES256": by.key, "RS256": DpopKey("RS256"), "EdDSA": DpopKey("EdDSA")}
    keys |= {"PS256": keys["RS256"], "Ed25519": keys["EdDSA"]}
    for alg in named:
        proof = Prover(server, by.client, keys[alg]).proof(header={"alg": alg})
        assert (await by.machine(proof=proof)).status_code == 200, alg
