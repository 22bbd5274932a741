import asyncio
import dataclasses
from typing import Any
from urllib.parse import urlencode

import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from limen.protocol.jwe import CONTENT_ENCRYPTION, KeyManagement, encrypt
from limen.protocol.jwk import generate_key
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.unit.net.servers import answer, listening
from tests.unit.oauth.http_kit import Server, serve
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
    keys_of,
    object_of,
    proof_of,
    push,
    pushed,
    signing_client,
)
from tests.unit.oauth.test_pushed_requests import BAD, told

pytestmark = pytest.mark.anyio


@pytest.fixture
def browser(journey: Server) -> Visitor:
    return Visitor(journey)


async def test_an_object_is_answered_like_the_parameters_it_says(
    journey: Server, browser: Visitor
) -> None:
    client = await signing_client(journey)
    await browser.sign_in(await journey.person())
    result = answered(await browser.agree(client, request=object_of(journey, client)))
    assert result["state"] == STATE
    answer = await journey.redeem(client, result["code"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "openid email"


@pytest.mark.parametrize(("changes", "error"), [row for row in BAD if "request_uri" not in row[0]])
async def test_o8_every_check_of_the_authorization_endpoint_holds_in_an_object(
    journey: Server, browser: Visitor, changes: dict[str, Any], error: str
) -> None:
    client = await signing_client(journey)
    # Nothing beside the object: what it says badly no parameter can mend.
    gone = await browser.visit(client, request=object_of(journey, client, **changes))
    if gone.status_code == 303:
        assert answered(gone)["error"] == error
    else:
        changed, value = next(iter(changes.items()))
        expected = {"client_id": "invalid_request_object", "request": "invalid_request_object"}
        if value is not None:
            # A page may say more than the endpoint that requests are pushed to.
            expected["redirect_uri"] = "invalid_redirect_uri"
        assert refused_by_page(gone) == expected.get(changed, error)


async def test_an_error_in_an_object_goes_to_its_own_address_and_state(
    journey: Server, browser: Visitor
) -> None:
    client = await signing_client(journey)
    raw = object_of(journey, client, prompt="none", state="inside")
    result = answered(await browser.visit(client, request=raw, state="outside"))
    assert (result["error"], result["state"]) == ("login_required", "inside")


async def test_a_bad_object_is_told_at_a_registered_address_beside_it(
    journey: Server, browser: Visitor
) -> None:
    client = await signing_client(journey)
    raw = object_of(journey, client, aud="https://other.example")
    outside = request_of(client)
    result = answered(await browser.visit(client, **{**outside, "request": raw}))
    assert (result["error"], result["state"]) == ("invalid_request_object", STATE)
    evil = {**outside, "redirect_uri": "https://evil.example/cb", "request": raw}
    assert refused_by_page(await browser.visit(client, **evil)) == "invalid_redirect_uri"
    assert refused_by_page(await browser.visit(client, request=raw)) == "invalid_request_object"


async def test_n065_another_clients_key_signs_nothing_for_this_one(
    journey: Server, browser: Visitor
) -> None:
    stranger = generate_key("ES256")
    client = await signing_client(journey, metadata={"jwks": keys_of(stranger)})
    raw = object_of(journey, client)
    assert refused_by_page(await browser.visit(client, request=raw)) == "invalid_request_object"


async def test_a_client_without_keys_signs_nothing(journey: Server, browser: Visitor) -> None:
    client = await journey.client()
    raw = object_of(journey, client)
    assert refused_by_page(await browser.visit(client, request=raw)) == "invalid_request_object"


async def test_an_openid_request_may_say_a_part_beside_the_object(
    journey: Server, browser: Visitor
) -> None:
    client = await signing_client(journey)
    outside = {**request_of(client, state="outside"), "login_hint": "ada@app.example"}
    raw = object_of(journey, client, nonce=None, scope="openid")
    way_back(await browser.visit(client, **{**outside, "request": raw}))
    await browser.sign_in(await journey.person())
    result = answered(await browser.agree(client, **{**outside, "request": raw}))
    assert result["state"] == STATE


async def test_a_client_that_has_to_sign_is_not_served_otherwise(
    journey: Server, browser: Visitor
) -> None:
    client = await signing_client(journey, metadata={"require_signed_request_object": True})
    assert answered(await browser.ask(client))["error"] == "invalid_request"
    way_back(await browser.visit(client, request=object_of(journey, client)))
    # What is missing in the object is missing, whatever stands beside it.
    bare = object_of(journey, client, code_challenge=None, code_challenge_method=None)
    result = answered(await browser.visit(client, **{**request_of(client), "request": bare}))
    assert result["error"] == "invalid_request"


async def test_where_the_tenant_wants_signatures_nothing_beside_the_object_counts(
    works: Works, site: Site
) -> None:
    policy = TenantPolicy.read({"authorization": {"require_signed": True}})
    tenant = Tenant(
        **dataclasses.asdict(site), name="Test", host=None, policy=policy, version=1, state="active"
    )
    server = await serve(works, tenant, extend=extend)
    browser, client = Visitor(server), await signing_client(server)
    assert answered(await browser.ask(client))["error"] == "invalid_request"
    bare = object_of(server, client, code_challenge=None, code_challenge_method=None)
    result = answered(await browser.visit(client, **{**request_of(client), "request": bare}))
    assert result["error"] == "invalid_request"
    await server.http.aclose()


async def test_a_pushed_object_says_everything(journey: Server, browser: Visitor) -> None:
    client = await signing_client(journey, metadata={"require_signed_request_object": True})
    unsigned = await push(journey, client)
    assert await told(unsigned) == "invalid_request"
    uri = await pushed(journey, client, request=object_of(journey, client), state="outside")
    await browser.sign_in(await journey.person())
    assert answered(await browser.agree(client, request_uri=uri))["state"] == STATE


async def test_message_signing_wants_objects_pushed_dated_and_answers_signed(
    journey: Server, browser: Visitor
) -> None:
    client = await fapi_client(journey, "fapi2_message_signing")

    async def error(**changes: Any) -> str:
        raw = object_of(journey, client, **{"response_mode": "jwt", **changes})
        return await told(await push(journey, client, request=raw, **proof_of(journey, client)))

    assert await error(nbf=None) == "invalid_request_object"
    assert await error(exp=None) == "invalid_request_object"
    assert await error(response_mode=None) == "invalid_request"
    assert await error(response_mode="query") == "invalid_request"
    plain = await push(journey, client, response_mode="jwt", **proof_of(journey, client))
    assert await told(plain) == "invalid_request"
    raw = object_of(journey, client, response_mode="jwt")
    uri = await pushed(journey, client, request=raw, **proof_of(journey, client))
    way_back(await browser.visit(client, request_uri=uri))


async def test_an_object_is_fetched_where_the_client_registered_it(
    journey: Server, browser: Visitor
) -> None:
    held: list[bytes] = []

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(held[0]))
        await writer.drain()

    async with listening(reply) as place:
        uris = [f"{place.url}/ro#first", f"{place.url}/2"]
        client = await signing_client(journey, metadata={"request_uris": uris})
        held.append(object_of(journey, client).encode())
        way_back(await browser.visit(client, request_uri=uris[0]))
        assert place.requests[0].startswith(b"GET /ro HTTP/1.1")
        for other in (f"{place.url}/ro", f"{place.url}/ro#second", f"{place.url}/2?x=1"):
            gone = await browser.visit(client, request_uri=other)
            assert refused_by_page(gone) == "invalid_request_uri"
        assert len(place.requests) == 1


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "500 Oh"])
async def test_n214_no_object_where_the_address_does_not_answer_with_one(
    journey: Server, browser: Visitor, status: str
) -> None:
    async with listening(answer(b"x", status=status)) as place:
        client = await signing_client(journey, metadata={"request_uris": [place.url]})
        gone = await browser.visit(client, request_uri=place.url)
        assert refused_by_page(gone) == "invalid_request_uri"


async def test_a_query_is_not_the_way_for_a_megabyte(journey: Server, browser: Visitor) -> None:
    client = await signing_client(journey)
    asked = {"client_id": client.id, "request": "x" * 40_000}
    gone = await browser.get("/oauth2/authorize?" + urlencode(asked))
    assert gone.status_code in {400, 413}


async def own_key(journey: Server) -> dict[str, Any]:
    published = (await journey.http.get("/oauth2/jwks")).json()["keys"]
    (ours,) = (key for key in published if key.get("use") == "enc")
    assert "d" not in ours
    return dict(ours)


@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"])
async def test_an_object_may_be_encrypted_to_our_published_key(
    journey: Server, browser: Visitor, alg: KeyManagement
) -> None:
    client = await signing_client(journey)
    ours = await own_key(journey)
    for enc in CONTENT_ENCRYPTION:
        raw = encrypt(object_of(journey, client).encode(), ours, alg=alg, enc=enc)
        way_back(await browser.visit(client, request=raw))


async def test_n074_an_encrypted_object_is_signed_for_us_all_the_same(
    journey: Server, browser: Visitor
) -> None:
    members = {
        "request_object_encryption_alg": "ECDH-ES",
        "request_object_encryption_enc": "A256GCM",
    }
    client = await signing_client(journey, metadata=members)
    ours, stranger = await own_key(journey), generate_key("ES256").public.jwk()
    plain = object_of(journey, client).encode()
    unsigned = object_of(journey, client, head={"alg": "none"}).encode()
    way_back(
        await browser.visit(client, request=encrypt(plain, ours, alg="ECDH-ES", enc="A256GCM"))
    )
    for raw in (
        encrypt(plain, ours, alg="ECDH-ES", enc="A128GCM"),
        encrypt(plain, ours, alg="ECDH-ES+A128KW", enc="A256GCM"),
        encrypt(unsigned, ours, alg="ECDH-ES", enc="A256GCM"),
        encrypt(b"\xff", ours, alg="ECDH-ES", enc="A256GCM"),
        encrypt(plain, {**stranger, "use": "enc"}, alg="ECDH-ES", enc="A256GCM"),
        "a.b.c.d.e",
    ):
        gone = await browser.visit(client, request=raw)
        assert refused_by_page(gone) == "invalid_request_object"
