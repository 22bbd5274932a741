"""Claims from rules and hooks, in tokens as the token endpoint issues them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from limen.access.grant_role import grant_role
from limen.db.work import Work, Works
from limen.hooks.model import HookAnswer, Question
from limen.kernel.actor import OPERATOR
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.codes import find_code
from limen.protocol.jwt import peek
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy
from limen.tenants.tenant import Tenant
from tests.unit.oauth.http_kit import Known, Server, refusal, serve

pytestmark = pytest.mark.anyio

API = "https://api.example"
POLICY = TenantPolicy.read(
    {
        "claims": {
            "access_token": {"mail": "user.email", "tier": {"value": "basic"}},
            "id_token": {"display": "user.name"},
        }
    }
)


class Gate:
    """A hook of the host's: keeps what it was asked, answers what it was told to."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.answer = HookAnswer(claims={"plan": "pro", "sub": "somebody", "roles": ["owner"]})

    async def __call__(self, question: Question) -> HookAnswer:
        self.asked.append(question)
        return self.answer


@pytest.fixture
def gate() -> Gate:
    return Gate()


def of_tenant(site: Site, policy: TenantPolicy) -> Tenant:
    return Tenant(
        tenant_id=site.tenant_id,
        slug=site.slug,
        issuer=site.issuer,
        path=site.path,
        name="",
        host=None,
        policy=policy,
        version=1,
        state="active",
    )


@pytest.fixture
async def mapping(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, of_tenant(site, POLICY))
    yield made
    await made.http.aclose()


@pytest.fixture
async def gated(works: Works, site: Site, gate: Gate) -> AsyncIterator[Server]:
    made = await serve(works, of_tenant(site, DEFAULT_POLICY), hooks={"before_token": (gate,)})
    yield made
    await made.http.aclose()


def claims_in(token: str) -> dict[str, Any]:
    return peek(token).claims


async def redeemed(server: Server, client: Known, **code: Any) -> dict[str, Any]:
    session, _ = await server.session(await server.person())
    answer = await server.redeem(client, await server.code(client, session, **code))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_tenants_rules_are_in_every_token(mapping: Server) -> None:
    client = await mapping.client()
    tokens = await redeemed(mapping, client)
    access, id_token = claims_in(tokens["access_token"]), claims_in(tokens["id_token"])
    assert (access["mail"], access["tier"]) == ("ada@app.example", "basic")
    assert id_token["display"] == "Ada"
    assert "mail" not in id_token
    again = (await mapping.refresh(client, tokens["refresh_token"])).json()
    assert claims_in(again["access_token"])["mail"] == "ada@app.example"
    assert (await mapping.introspect(client, tokens["access_token"]))["tier"] == "basic"


async def test_a_machines_token_has_what_is_true_of_it(mapping: Server) -> None:
    client = await mapping.client("machine", scope=("read",))
    answer = await mapping.post("/oauth2/token", client, grant_type="client_credentials")
    claims = claims_in(answer.json()["access_token"])
    assert claims["tier"] == "basic"
    assert "mail" not in claims


async def test_a_resources_rules_win_and_are_for_it_alone(mapping: Server) -> None:
    rules = {"tier": {"value": "gold"}, "app": "client.name", "roles": "user.roles"}
    await mapping.resource(API, claims=rules)
    client = await mapping.client()
    session, _ = await mapping.session(await mapping.person())

    async def promote(work: Work) -> None:
        await grant_role(work, principal_id=session.user_id, role="auditor")

    await mapping.works.run(mapping.site, promote, actor=OPERATOR)
    code = await mapping.code(client, session, resource=API, scope=("read",))
    at_api = claims_in((await mapping.redeem(client, code)).json()["access_token"])
    assert (at_api["tier"], at_api["app"], at_api["roles"]) == ("gold", "App", ["auditor"])
    elsewhere = await mapping.redeem(client, await mapping.code(client, session))
    claims = claims_in(elsewhere.json()["access_token"])
    assert claims["tier"] == "basic"
    assert not claims.keys() & {"app", "roles"}


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
async def test_a_resource_says_how_its_tokens_are_signed(server: Server, alg: str) -> None:
    await server.resource(API, signing_alg=alg)
    client = await server.client()
    tokens = await redeemed(server, client, resource=API, scope=("read",))
    assert peek(tokens["access_token"]).header["alg"] == alg
    assert (await server.introspect(client, tokens["access_token"]))["active"] is True


async def test_a_resource_that_wants_references_learns_its_claims_by_introspection(
    server: Server,
) -> None:
    await server.resource(API, token_format="opaque", claims={"mail": "user.email"})
    client = await server.client()
    tokens = await redeemed(server, client, resource=API, scope=("read",))
    assert (await server.introspect(client, tokens["access_token"]))["mail"] == "ada@app.example"


async def test_a_hook_adds_claims_and_nothing_that_decides(gated: Server, gate: Gate) -> None:
    client = await gated.client()
    tokens = await redeemed(gated, client)
    claims = claims_in(tokens["access_token"])
    assert claims["plan"] == "pro"
    assert claims["sub"] != "somebody"
    assert "roles" not in claims
    assert claims_in(tokens["id_token"])["plan"] == "pro"
    asked = dict(gate.asked[0])
    assert asked.pop("user_id") == claims["sub"]
    assert asked == {
        "point": "before_token",
        "tenant": gated.site.slug,
        "client_id": client.id,
        "resource": gated.site.issuer,
        "scope": ["openid", "email", "read"],
        "grant_type": "authorization_code",
    }


async def test_every_grant_asks(gated: Server, gate: Gate) -> None:
    client = await gated.client()
    machine = await gated.client("machine", scope=("read",))
    tokens = await redeemed(gated, client)
    refreshed = await gated.refresh(client, tokens["refresh_token"], scope="openid read")
    own = await gated.post("/oauth2/token", machine, grant_type="client_credentials")
    for answer in (refreshed, own):
        assert claims_in(answer.json()["access_token"])["plan"] == "pro"
    assert [question["grant_type"] for question in gate.asked] == [
        "authorization_code",
        "refresh_token",
        "client_credentials",
    ]
    assert gate.asked[1]["scope"] == ["openid", "read"]
    assert gate.asked[2]["user_id"] is None


async def test_a_no_spends_nothing(gated: Server, gate: Gate) -> None:
    client = await gated.client()
    session, _ = await gated.session(await gated.person())
    code = await gated.code(client, session)
    yes, gate.answer = gate.answer, HookAnswer(allow=False, reason="Not today.")
    refused = await gated.redeem(client, code)
    assert refusal(refused) == (400, "access_denied")
    assert refused.json()["error_description"] == "Not today."
    found = await gated.run(lambda work: find_code(work, raw_code=Secret(code)))
    assert found is not None
    assert found.used_at is None
    gate.answer = yes
    tokens = (await gated.redeem(client, code)).json()
    gate.answer = HookAnswer(allow=False)
    assert refusal(await gated.refresh(client, tokens["refresh_token"])) == (400, "access_denied")
    gate.answer = yes
    assert (await gated.refresh(client, tokens["refresh_token"])).status_code == 200


async def test_a_bad_refresh_token_is_asked_about_by_nobody(gated: Server, gate: Gate) -> None:
    client, other = await gated.client(), await gated.client()
    tokens = await redeemed(gated, client)
    gate.asked.clear()
    for presenter, raw in (
        (client, tokens["refresh_token"] + "x"),
        (other, tokens["refresh_token"]),
    ):
        assert refusal(await gated.refresh(presenter, raw)) == (400, "invalid_grant")
    assert gate.asked == []


async def test_a_token_in_its_grace_is_asked_about_too(gated: Server, gate: Gate) -> None:
    client = await gated.client("spa")
    raw = (await redeemed(gated, client))["refresh_token"]
    first = (await gated.refresh(client, raw)).json()
    again = await gated.refresh(client, raw)
    assert again.json()["refresh_token"] == first["refresh_token"]
    assert claims_in(again.json()["access_token"])["plan"] == "pro"
    gate.answer = HookAnswer(allow=False)
    assert refusal(await gated.refresh(client, raw)) == (400, "access_denied")


async def test_n031_a_replay_ends_what_was_given_whatever_a_hook_says(
    gated: Server, gate: Gate
) -> None:
    client = await gated.client()
    session, _ = await gated.session(await gated.person())
    code = await gated.code(client, session)
    tokens = (await gated.redeem(client, code)).json()
    gate.answer = HookAnswer(allow=False)
    assert refusal(await gated.redeem(client, code)) == (400, "invalid_grant")
    assert await gated.introspect(client, tokens["access_token"]) == {"active": False}
