import datetime as dt
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI

from limen.kernel.errors import Unavailable
from limen.kernel.secret import Secret
from limen.protocol.sender.nonce import STRETCH, current_nonce
from limen.protocol.sender.proof import Proof
from limen.protocol.sender.refusal import ProofRefused
from limen.testing.clock import FrozenClock
from limen.tokens.resource import (
    ActiveToken,
    InProcess,
    ResourceServer,
    SeenProofs,
    SenderRules,
)
from limen.tokens.resource.sources import Source
from tests.dpop import DpopKey
from tests.unit.tokens.kit import API, Tokens
from tests.unit.tokens.test_resource import OPAQUE, an_issuer

pytestmark = pytest.mark.anyio

KEY = DpopKey()


class Api:
    """A FastAPI application guarded by the kit, and a client with a key."""

    def __init__(self, source: Source, rules: SenderRules, *, clock: FrozenClock) -> None:
        self.clock = clock
        self.server = ResourceServer(API, source=source, sender=rules)
        app = FastAPI()

        @app.get("/files/{name:path}")
        async def files(
            name: str, token: Annotated[ActiveToken, Depends(self.server.require_scope())]
        ) -> dict[str, str]:
            return {"name": name, "bound_to": token.bound_to}

        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="https://proxied.internal"
        )

    def proof(self, raw: str, *, url: str = f"{API}/files/a", **changes: Any) -> str:
        return KEY.proof("GET", url, now=self.clock.now(), token=raw, **changes)

    async def get(
        self,
        raw: str,
        *,
        path: str = "/files/a",
        scheme: str = "DPoP",
        proof: str | None = None,
        **changes: Any,
    ) -> httpx2.Response:
        line = self.proof(raw, **changes) if proof is None else proof
        headers = {"authorization": f"{scheme} {raw}", **({"dpop": line} if line else {})}
        return await self.http.get(path, headers=headers)


@pytest.fixture
async def api(tokens: Tokens) -> AsyncIterator[Api]:
    made = Api(source_of(tokens), SenderRules(), clock=tokens.clock)
    yield made
    await made.http.aclose()


def source_of(tokens: Tokens) -> InProcess:
    return InProcess(tokens.works, tokens.site, tokens.keyring)


async def bound(tokens: Tokens, *, to: str = f"jkt:{KEY.jkt}") -> str:
    return (await tokens.own(bound_to=to)).raw.reveal()


def refused(answer: httpx2.Response, error: str, *, scheme: str = "DPoP") -> None:
    named = answer.headers["www-authenticate"]
    assert (answer.status_code, named.split(" ")[0]) == (401, scheme), named
    assert f'error="{error}"' in named
    assert ('algs="' in named) == (scheme == "DPoP")
    assert "resource_metadata=" in named


async def test_a_bound_token_comes_in_with_its_proof(tokens: Tokens, api: Api) -> None:
    answer = await api.get(await bound(tokens))
    assert (answer.status_code, answer.json()["bound_to"]) == (200, f"jkt:{KEY.jkt}")
    assert "dpop-nonce" not in answer.headers


async def test_the_address_is_compared_with_its_escapes(tokens: Tokens, api: Api) -> None:
    raw = await bound(tokens)
    path = "/files/a%2Fb%20c"
    assert (await api.get(raw, path=path, url=f"{API}{path}")).status_code == 200
    answer = await api.get(raw, path=path, url=f"{API}/files/a/b%20c")
    refused(answer, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("sent", "error"),
    [({"proof": ""}, "invalid_dpop_proof"), ({"scheme": "Bearer"}, "invalid_token"),
     ({"scheme": "Bearer", "proof": ""}, "invalid_token"), ({"ath": None}, "invalid_dpop_proof"),
     ({"ath": "x"}, "invalid_dpop_proof"), ({"htm": "POST"}, "invalid_dpop_proof"),
     ({"url": f"{API}/files/b"}, "invalid_dpop_proof"),
     ({"url": "https://proxied.internal/files/a"}, "invalid_dpop_proof")],
    ids=str,
)  # fmt: skip
async def test_n101_without_its_proof_it_stays_out(
    tokens: Tokens, api: Api, sent: dict[str, Any], error: str
) -> None:
    refused(await api.get(await bound(tokens), **sent), error)


async def test_another_key_s_token_stays_out(tokens: Tokens, api: Api) -> None:
    refused(await api.get(await bound(tokens, to="jkt:other")), "invalid_token")


async def test_n100_a_proof_comes_once(tokens: Tokens, api: Api) -> None:
    raw = await bound(tokens)
    proof = api.proof(raw)
    assert (await api.get(raw, proof=proof)).status_code == 200
    refused(await api.get(raw, proof=proof), "invalid_dpop_proof")
    node = Api(source_of(tokens), SenderRules(), clock=tokens.clock)
    refused(await node.get(raw, proof=proof), "invalid_dpop_proof")
    await node.http.aclose()


async def test_a_bearer_token_does_not_come_as_dpop(tokens: Tokens, api: Api) -> None:
    raw = (await tokens.own()).raw.reveal()
    refused(await api.get(raw), "invalid_token", scheme="Bearer")
    assert (await api.get(raw, scheme="Bearer", proof="")).status_code == 200


async def test_who_sends_no_token_is_told_both_ways(api: Api) -> None:
    answer = await api.http.get("/files/a")
    named = answer.headers["www-authenticate"]
    assert named.startswith("Bearer ")
    assert ', DPoP resource_metadata="' in named
    assert "error" not in named


async def test_where_a_key_is_required_nothing_else_is_offered_or_taken(tokens: Tokens) -> None:
    api = Api(source_of(tokens), SenderRules(required=True), clock=tokens.clock)
    assert api.server.metadata()["dpop_bound_access_tokens_required"] is True
    named = (await api.http.get("/files/a")).headers["www-authenticate"]
    assert named.startswith("DPoP ")
    assert "Bearer" not in named
    raw = (await tokens.own()).raw.reveal()
    refused(await api.get(raw, scheme="Bearer", proof=""), "invalid_token", scheme="Bearer")
    assert (await api.get(await bound(tokens))).status_code == 200
    await api.http.aclose()


async def test_behind_a_prefix_the_address_is_what_was_configured(tokens: Tokens) -> None:
    rules = SenderRules(base_url="https://gateway.example/v1/")
    api = Api(source_of(tokens), rules, clock=tokens.clock)
    raw = await bound(tokens)
    assert (await api.get(raw, url="https://gateway.example/v1/files/a")).status_code == 200
    refused(await api.get(raw), "invalid_dpop_proof")
    await api.http.aclose()


async def test_n103_nonces_at_a_resource(tokens: Tokens) -> None:
    api = Api(source_of(tokens), SenderRules(needs_nonce=True), clock=tokens.clock)
    raw = await bound(tokens)
    first = await api.get(raw)
    refused(first, "use_dpop_nonce")
    good = await api.get(raw, nonce=first.headers["dpop-nonce"])
    assert (good.status_code, good.headers["dpop-nonce"]) == (200, first.headers["dpop-nonce"])
    tokens.clock.advance(2 * STRETCH)
    refused(await api.get(raw, nonce=first.headers["dpop-nonce"]), "use_dpop_nonce")
    await api.http.aclose()


async def test_remotely_a_bound_token_needs_its_proof_too() -> None:
    async with an_issuer() as issuer:
        api = Api(issuer.remote(), SenderRules(), clock=issuer.clock)
        raw = issuer.token(cnf={"jkt": KEY.jkt})
        proof = api.proof(raw)
        assert (await api.get(raw, proof=proof)).status_code == 200
        refused(await api.get(raw, proof=proof), "invalid_dpop_proof")
        refused(await api.get(issuer.token(cnf={"jkt": "other"})), "invalid_token")
        two = issuer.token(cnf={"jkt": KEY.jkt, "x5t#S256": "x"})
        refused(await api.get(two), "invalid_token", scheme="Bearer")
        await api.http.aclose()


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 200), ({"token_type": "Bearer"}, 401), ({"cnf": {"jkt": "other"}}, 401), ({"cnf": None}, 401)],
    ids=str,
)  # fmt: skip
async def test_an_introspection_says_what_a_token_is_bound_to(
    changes: dict[str, Any], status: int
) -> None:
    async with an_issuer() as issuer:
        said = {"token_type": "DPoP", "cnf": {"jkt": KEY.jkt}, **changes}
        issuer.said = issuer.claims(active=True, **said)
        source = issuer.remote(client_id="api", client_secret=Secret("s"))
        api = Api(source, SenderRules(), clock=issuer.clock)
        assert (await api.get(OPAQUE)).status_code == status
        await api.http.aclose()


async def test_remotely_nonces_need_a_key_of_the_api_s_own() -> None:
    async with an_issuer() as issuer:
        key = Secret(b"n" * 32)
        rules = SenderRules(needs_nonce=True)
        api = Api(issuer.remote(proofs=SeenProofs(nonce_key=key)), rules, clock=issuer.clock)
        raw = issuer.token(cnf={"jkt": KEY.jkt})
        first = await api.get(raw)
        refused(first, "use_dpop_nonce")
        assert first.headers["dpop-nonce"] == current_nonce(key, now=issuer.clock.now())
        assert (await api.get(raw, nonce=first.headers["dpop-nonce"])).status_code == 200
        await api.http.aclose()
        without = Api(issuer.remote(), rules, clock=issuer.clock)
        assert (await without.get(raw)).status_code == 503
        await without.http.aclose()


def proof_of(jti: str, *, clock: FrozenClock) -> Proof:
    until = clock.now() + dt.timedelta(seconds=70)
    return Proof(jkt="k", jti=jti, nonce=None, until=until)


def test_what_was_seen_is_bounded_and_never_forgotten_early() -> None:
    clock = FrozenClock()
    seen = SeenProofs(most=2)
    for jti in ("a", "b"):
        seen.accept(proof_of(jti, clock=clock), needs_nonce=False, now=clock.now())
    with pytest.raises(ProofRefused):
        seen.accept(proof_of("a", clock=clock), needs_nonce=False, now=clock.now())
    with pytest.raises(Unavailable):
        seen.accept(proof_of("c", clock=clock), needs_nonce=False, now=clock.now())
    clock.advance(dt.timedelta(seconds=70))
    assert seen.accept(proof_of("c", clock=clock), needs_nonce=False, now=clock.now()) == ""
