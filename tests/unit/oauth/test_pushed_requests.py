import asyncio
import dataclasses
import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

import pytest

from limen.db.work import Work, Works
from limen.kernel.errors import InvalidInput
from limen.kernel.site import Site
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.oauth.sweep import sweep
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from limen.testing.clock import FrozenClock
from tests.dpop import DpopKey
from tests.unit.oauth.http_kit import Known, Server, serve
from tests.unit.oauth.journey_kit import (
    STATE,
    answered,
    extend,
    refused_by_page,
    request_of,
    way_back,
)
from tests.unit.oauth.request_kit import (
    Visitor,
    fapi_client,
    proof_of,
    push,
    pushed,
    signing_client,
)
from tests.unit.oauth.test_authorize import count

pytestmark = pytest.mark.anyio


@pytest.fixture
def browser(journey: Server) -> Visitor:
    return Visitor(journey)


async def told(answer: Any, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    return str(answer.json()["error"])


async def test_a_pushed_request_is_answered_like_any_other(
    journey: Server, browser: Visitor
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    uri = await pushed(journey, client)
    assert uri.startswith("urn:ietf:params:oauth:request_uri:lmpr_")
    result = answered(await browser.agree(client, request_uri=uri))
    assert result["state"] == STATE
    answer = await journey.redeem(client, result["code"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "openid email"


async def test_a_reload_and_a_second_visit_work_until_the_answer(
    journey: Server, browser: Visitor
) -> None:
    client = await journey.client()
    uri = await pushed(journey, client)
    for _ in range(3):
        way_back(await browser.visit(client, request_uri=uri))
    await browser.sign_in(await journey.person())
    answered(await browser.agree(client, request_uri=uri))
    assert await count(journey, "pushed_requests") == 0
    assert refused_by_page(await browser.visit(client, request_uri=uri)) == "invalid_request_uri"


async def test_a_denial_takes_the_handle_too(journey: Server, browser: Visitor) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    uri = await pushed(journey, client)
    to_consent = await browser.visit(client, request_uri=uri)
    page = await browser.get(to_consent.headers["location"])
    assert answered(await browser.decide(page, "deny"))["error"] == "access_denied"
    assert refused_by_page(await browser.visit(client, request_uri=uri)) == "invalid_request_uri"


async def test_a_silent_no_takes_the_handle_too(journey: Server, browser: Visitor) -> None:
    client = await journey.client()
    uri = await pushed(journey, client, prompt="none")
    assert answered(await browser.visit(client, request_uri=uri))["error"] == "login_required"
    assert refused_by_page(await browser.visit(client, request_uri=uri)) == "invalid_request_uri"


async def test_of_two_interactions_of_one_handle_one_is_answered(
    journey: Server, browser: Visitor
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    uri = await pushed(journey, client)
    pages = [
        await browser.get((await browser.visit(client, request_uri=uri)).headers["location"])
        for _ in range(2)
    ]
    assert "code" in answered(await browser.decide(pages[0], "allow"))
    assert refused_by_page(await browser.decide(pages[1], "allow")) == "invalid_request_uri"
    assert await count(journey, "codes") == 1


async def test_an_interaction_outlives_the_handle_it_was_begun_with(
    journey: Server, browser: Visitor, clock: FrozenClock
) -> None:
    client = await journey.client()
    uri = await pushed(journey, client)
    back = way_back(await browser.visit(client, request_uri=uri))
    clock.advance(dt.timedelta(minutes=10))
    await journey.run(sweep)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.get(back)).headers["location"])
    assert "code" in answered(await browser.decide(page, "allow"))


async def test_a_handle_is_good_for_five_minutes(
    journey: Server, browser: Visitor, clock: FrozenClock
) -> None:
    client = await journey.client()
    uri = await pushed(journey, client)
    clock.advance(dt.timedelta(seconds=299))
    way_back(await browser.visit(client, request_uri=uri))
    clock.advance(dt.timedelta(seconds=1))
    assert refused_by_page(await browser.visit(client, request_uri=uri)) == "invalid_request_uri"
    clock.advance(dt.timedelta(hours=2))
    await journey.run(sweep)
    assert await count(journey, "pushed_requests") == 0


async def test_a_handle_is_its_clients_alone(journey: Server, browser: Visitor) -> None:
    uri = await pushed(journey, await journey.client())
    other = await journey.client()
    assert refused_by_page(await browser.visit(other, request_uri=uri)) == "invalid_request_uri"


@pytest.mark.parametrize("change", [lambda uri: uri + "x", lambda uri: uri[:-1], str.upper])
async def test_an_altered_handle_leads_nowhere(
    journey: Server, browser: Visitor, change: Any
) -> None:
    client = await journey.client()
    uri = change(await pushed(journey, client))
    assert refused_by_page(await browser.visit(client, request_uri=uri)) == "invalid_request_uri"


async def test_nothing_beside_the_handle_counts(journey: Server, browser: Visitor) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    uri = await pushed(journey, client)
    changed = {"scope": "openid", "state": "other", "prompt": "none", "response_type": "token"}
    result = answered(await browser.agree(client, request_uri=uri, **changed))
    assert result["state"] == STATE
    both = await browser.visit(client, request_uri=uri, request="eyJ")
    assert refused_by_page(both) == "invalid_request"


async def test_o8_what_changed_since_it_was_pushed_is_checked_again(
    journey: Server, browser: Visitor
) -> None:
    client = await journey.client()
    uri = await pushed(journey, client)
    await journey.run(lambda work: disable_client(work, client_id=client.id))
    assert refused_by_page(await browser.visit(client, request_uri=uri)) == "invalid_client"


BAD: list[tuple[dict[str, str | None], str]] = [
    ({"redirect_uri": "https://app.example.evil.example/cb"}, "invalid_request"),  # N004
    ({"redirect_uri": "https://app.example/cb/"}, "invalid_request"),  # N003
    ({"redirect_uri": "https://app.example/cb#x"}, "invalid_request"),  # N007
    ({"redirect_uri": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),  # N020
    ({"response_type": None}, "invalid_request"),
    ({"response_mode": "web_message"}, "invalid_request"),  # N018
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),  # N030
    ({"code_challenge_method": "plain"}, "invalid_request"),  # N027
    ({"scope": "admin"}, "invalid_scope"),
    ({"resource": "https://unknown.example"}, "invalid_target"),
    ({"prompt": "none login"}, "invalid_request"),  # N273
    ({"max_age": "-1"}, "invalid_request"),  # N273
    ({"claims": "[]"}, "invalid_request"),
    ({"authorization_details": "{}"}, "invalid_authorization_details"),
    ({"id_token_hint": "x.y.z"}, "invalid_request"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    ({"request_uri": "https://app.example/ro"}, "invalid_request"),
    ({"client_id": "somebody-else"}, "invalid_request"),  # N059
    ({"dpop_jkt": "short"}, "invalid_request"),
    ({"request": "eyJ"}, "invalid_request_object"),
]


@pytest.mark.parametrize(("changes", "error"), BAD)
async def test_o8_every_check_of_the_authorization_endpoint_holds_when_pushing(
    journey: Server, changes: dict[str, str | None], error: str
) -> None:
    client = await signing_client(journey)
    assert await told(await push(journey, client, **changes)) == error
    assert await count(journey, "pushed_requests") == 0


async def test_who_pushes_authenticates(journey: Server) -> None:
    client = await journey.client()
    wrong = Known(client.id, "wrong")
    answer = await push(journey, wrong)
    assert await told(answer, 401) == "invalid_client"
    assert "www-authenticate" in answer.headers
    nobody = await journey.http.post("/oauth2/par", data=request_of(client))
    assert await told(nobody, 401) == "invalid_client"
    twice = await journey.http.post(
        "/oauth2/par",
        data={**request_of(client), "client_secret": client.secret},
        headers=client.basic,
    )
    assert await told(twice) == "invalid_request"


async def test_what_authenticated_the_push_is_not_kept(journey: Server, browser: Visitor) -> None:
    client = await journey.client()
    form = {**request_of(client), "client_secret": client.secret}
    answer = await journey.http.post("/oauth2/par", data=form)
    assert answer.status_code == 201, answer.text
    await browser.sign_in(await journey.person())
    assert await browser.code(client, request_uri=answer.json()["request_uri"])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_verbs_are_answered_405(journey: Server, method: str) -> None:
    answer = await journey.http.request(method, "/oauth2/par")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_repeated_parameters_and_queries_do_not_count(journey: Server) -> None:
    client = await journey.client()
    form = [*request_of(client).items(), ("scope", "openid")]
    body = "&".join(f"{name}={value}" for name, value in form)
    answer = await journey.http.post(
        "/oauth2/par",
        content=body,
        headers={**client.basic, "content-type": "application/x-www-form-urlencoded"},
    )
    assert await told(answer) == "invalid_request"


async def test_a_client_that_has_to_push_is_not_served_otherwise(
    journey: Server, browser: Visitor
) -> None:
    client = await journey.client(metadata={"require_pushed_authorization_requests": True})
    assert answered(await browser.ask(client))["error"] == "invalid_request"
    way_back(await browser.visit(client, request_uri=await pushed(journey, client)))


@pytest.fixture
def strict(site: Site) -> Tenant:
    """The same tenant with a policy."""
    policy = TenantPolicy.read({"authorization": {"require_pushed": True}})
    return Tenant(
        **dataclasses.asdict(site),
        name="Test",
        host=None,
        policy=policy,
        version=1,
        state="active",
    )


async def test_a_tenant_may_want_every_request_pushed(works: Works, strict: Tenant) -> None:
    server = await serve(works, strict, extend=extend)
    browser = Visitor(server)
    client = await server.client()
    assert answered(await browser.ask(client))["error"] == "invalid_request"
    way_back(await browser.visit(client, request_uri=await pushed(server, client)))
    document = (await server.http.get("/.well-known/openid-configuration")).json()
    assert document["require_pushed_authorization_requests"] is True
    await server.http.aclose()


async def test_fapi2_sp_5_3_2_2_a_pushed_request_names_its_redirect_uri(journey: Server) -> None:
    client = await fapi_client(journey)
    bare = {"redirect_uri": None, "scope": "read", "nonce": None}
    answer = await push(journey, client, **bare, **proof_of(journey, client))
    assert await told(answer) == "invalid_request"
    plain = await journey.client()
    assert (await push(journey, plain, **bare)).status_code == 201


async def test_a_tenants_profile_is_that_of_every_client_or_a_stricter_one(
    works: Works, site: Site
) -> None:
    tenant = Tenant(
        **dataclasses.asdict(site),
        name="Test",
        host=None,
        policy=TenantPolicy.read({"profile": "fapi2"}),
        version=1,
        state="active",
    )
    server = await serve(works, tenant, extend=extend)
    with pytest.raises(InvalidInput) as refused:
        await server.client("spa", metadata={"profile": "mcp"})
    assert "keep to fapi2" in refused.value.public
    client = await fapi_client(server, "fapi2_message_signing")

    async def weaken(work: Work, *, profile: str) -> None:
        changes = ClientChanges(metadata={"profile": profile})
        await update_client(work, client_id=client.id, changes=changes)

    for profile in ("mcp", ""):
        with pytest.raises(InvalidInput) as refused:
            await server.run(partial(weaken, profile=profile))
        assert "keep to fapi2" in refused.value.public
    await server.close()


async def test_fapi2_pushes_with_its_key(journey: Server, browser: Visitor) -> None:
    client = await fapi_client(journey)
    assert answered(await browser.ask(client))["error"] == "invalid_request"
    uri = await pushed(journey, client, **proof_of(journey, client))
    way_back(await browser.visit(client, request_uri=uri))


async def test_a_proof_binds_the_code_to_its_key(journey: Server, browser: Visitor) -> None:
    client = await journey.client()
    key = DpopKey()
    url = "http://localhost:8000/oauth2/par"
    proof = key.proof("POST", url, now=journey.works.clock.now())
    answer = await push(journey, client, headers={"dpop": proof})
    assert answer.status_code == 201, answer.text
    await browser.sign_in(await journey.person())
    code = await browser.code(client, request_uri=answer.json()["request_uri"])
    assert (await journey.redeem(client, code)).json()["error"] in {
        "invalid_grant",
        "invalid_dpop_proof",
    }


async def test_a_proof_and_dpop_jkt_agree(journey: Server) -> None:
    client = await journey.client()
    key, other = DpopKey(), DpopKey()
    url = "http://localhost:8000/oauth2/par"
    for jkt, status in ((key.jkt, 201), (other.jkt, 400)):
        proof = key.proof("POST", url, now=journey.works.clock.now())
        answer = await push(journey, client, headers={"dpop": proof}, dpop_jkt=jkt)
        assert answer.status_code == status, answer.text


async def test_twenty_visits_of_one_handle_and_one_is_answered(
    journey: Server, browser: Visitor
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    uri = await pushed(journey, client)
    answers = await asyncio.gather(*(browser.visit(client, request_uri=uri) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {303: 1, 400: 19}
    assert await count(journey, "codes") == 1
