from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from limen.db.work import Work, Works
from limen.kernel.errors import OAuthRefusal
from limen.kernel.site import Site
from limen.oauth.endpoints.sender import prove_sender
from limen.oauth.mutual_tls.offer import Mtls
from limen.protocol.jwt import peek
from tests.certificates import Made, certificate
from tests.dpop import DpopKey
from tests.unit.oauth.dpop_kit import Prover
from tests.unit.oauth.http_kit import Known, Server, refusal, serve

pytestmark = pytest.mark.anyio

ALIAS = "https://mtls.example"
BY_CERTIFICATE = {"tls_client_certificate_bound_access_tokens": True}
BY_PROOF = {"dpop_bound_access_tokens": True}


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, site, mtls=Mtls(authorities=None, root=site.issuer, alias=ALIAS))
    yield made
    await made.http.aclose()


async def prover(server: Server, **metadata: Any) -> Prover:
    return Prover(server, await server.client("machine", metadata=metadata))


async def ask(by: Prover, *, proof: str = "", made: Made | None = None) -> httpx2.Response:
    headers = {**by.client.basic, **({"dpop": proof} if proof else {})}
    headers |= {"client-cert": made.rfc9440} if made is not None else {}
    form = {"grant_type": "client_credentials"}
    return await by.server.http.post("/oauth2/token", data=form, headers=headers)


def binding(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return peek(answer.json()["access_token"]).claims.get("cnf")


async def test_rfc_8705_3_4_a_certificate_binds_who_registered_for_it(server: Server) -> None:
    mine, bound, free = certificate(), await prover(server, **BY_CERTIFICATE), await prover(server)
    assert binding(await ask(bound, made=mine)) == {"x5t#S256": mine.thumbprint}
    assert binding(await ask(free, made=mine)) is None
    assert refusal(await ask(bound)) == (400, "invalid_request")


async def test_a_proof_counts_before_the_certificate(server: Server) -> None:
    by = await prover(server, **BY_CERTIFICATE)
    answer = await ask(by, proof=by.proof(), made=certificate())
    assert binding(answer) == {"jkt": by.key.jkt}
    assert answer.json()["token_type"] == "DPoP"


async def test_a_bad_proof_is_not_made_good_by_a_certificate(server: Server) -> None:
    by = await prover(server, **BY_CERTIFICATE)
    answer = await ask(by, proof=by.proof(htm="GET"), made=certificate())
    assert refusal(answer) == (400, "invalid_dpop_proof")


async def test_a_certificate_does_not_stand_for_a_proof(server: Server) -> None:
    for metadata in (BY_PROOF, {**BY_PROOF, **BY_CERTIFICATE}):
        by = await prover(server, **metadata)
        assert refusal(await ask(by, made=certificate())) == (400, "invalid_dpop_proof")
        assert binding(await ask(by, proof=by.proof())) == {"jkt": by.key.jkt}


async def test_a_certificate_is_good_enough_for_a_constrained_resource(server: Server) -> None:
    await server.resource("https://api.example", sender_constrained=True)
    mine, by = certificate(), await prover(server, **BY_CERTIFICATE)
    headers = {**by.client.basic, "client-cert": mine.rfc9440}
    form = {
        "grant_type": "client_credentials",
        "resource": "https://api.example",
        "scope": "read",
    }
    answer = await server.http.post("/oauth2/token", data=form, headers=headers)
    assert binding(answer) == {"x5t#S256": mine.thumbprint}


async def test_a_proof_may_name_the_second_address(server: Server) -> None:
    by = await prover(server)
    proof = by.key.proof("POST", f"{ALIAS}/oauth2/token", now=by.now)
    assert binding(await ask(by, proof=proof)) == {"jkt": by.key.jkt}
    elsewhere = by.key.proof("POST", "https://other.example/oauth2/token", now=by.now)
    assert refusal(await ask(by, proof=elsewhere)) == (400, "invalid_dpop_proof")


async def test_rfc_8705_4_a_public_client_s_refresh_token_needs_its_certificate(
    server: Server,
) -> None:
    mine, client = certificate(), await server.client("spa", metadata=BY_CERTIFICATE)
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    server.http.headers["client-cert"] = mine.rfc9440
    told = (await server.redeem(client, code)).json()
    assert (await server.refresh(client, told["refresh_token"])).status_code == 200
    server.http.headers["client-cert"] = certificate().rfc9440
    answer = await server.refresh(client, told["refresh_token"])
    assert refusal(answer) == (400, "invalid_grant")


async def fapi(server: Server, made: Made, **metadata: Any) -> Known:
    members = {"jwks": {"keys": [made.jwk(x5c=True)]}, "profile": "fapi2", **metadata}
    return await server.client(
        "machine", auth_method="self_signed_tls_client_auth", metadata=members
    )


async def machine(server: Server, client: Known, made: Made, *, proof: str = "") -> httpx2.Response:
    headers = {"client-cert": made.rfc9440, **({"dpop": proof} if proof else {})}
    form = {"grant_type": "client_credentials", "client_id": client.id}
    return await server.http.post("/oauth2/token", data=form, headers=headers)


async def test_fapi_2_5_3_2_1_a_client_gets_no_bearer_token(server: Server) -> None:
    mine = certificate()
    client = await fapi(server, mine)
    assert binding(await machine(server, client, mine)) == {"x5t#S256": mine.thumbprint}

    async def body(work: Work) -> None:
        found = await server.parts.clients.fresh(work, client.id)
        assert found is not None
        bare = dataclasses.replace(found.metadata, tls_client_certificate_bound_access_tokens=False)
        scope = {"type": "http", "headers": [], "state": {}}
        await prove_sender(
            Request(scope),
            work,
            parts=server.parts,
            client=dataclasses.replace(found, metadata=bare),
        )

    with pytest.raises(OAuthRefusal) as caught:
        await server.run(body)
    assert caught.value.code == "invalid_request"


async def test_fapi_2_5_3_2_1_a_missing_proof_is_a_missing_part_of_the_request(
    server: Server,
) -> None:
    mine = certificate()
    client = await fapi(server, mine, **BY_PROOF)
    assert refusal(await machine(server, client, mine)) == (400, "invalid_request")


async def test_fapi_2_5_4_1_a_proof_is_not_signed_with_rs256(server: Server) -> None:
    mine = certificate()
    client = await fapi(server, mine, **BY_PROOF)
    by = Prover(server, client, DpopKey("RS256"))
    answer = await machine(server, client, mine, proof=by.proof())
    assert refusal(answer) == (400, "invalid_dpop_proof")
    good = by.proof(header={"alg": "PS256"})
    assert binding(await machine(server, client, mine, proof=good)) == {"jkt": by.key.jkt}
