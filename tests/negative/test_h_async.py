"""Section H: requests that were pushed or approved earlier, and what became true meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from limen.accounts.ending.disable_user import disable_user
from limen.db.work import Work, Works
from limen.kernel.site import Site
from limen.oauth.decoupled.decide import approve
from limen.oauth.decoupled.waiting_for import waiting_for
from limen.oauth.parts import Parts
from limen.oauth.registry.disable_client import disable_client
from limen.testing.clock import FrozenClock
from limen.tokens import principals
from tests.unit.oauth import decoupled_kit, journey_kit
from tests.unit.oauth.decoupled_kit import Asking, Device, Person, asking, begin, who_of
from tests.unit.oauth.exchange_kit import API, Upstream, exchanger
from tests.unit.oauth.http_kit import Known, Server, refusal, serve
from tests.unit.oauth.journey_kit import STATE, answered, refused_by_page, request_of
from tests.unit.oauth.request_kit import Visitor, object_of, push, pushed, signing_client

pytestmark = pytest.mark.anyio


def extend(app: FastAPI, parts: Parts) -> None:
    journey_kit.extend(app, parts)
    decoupled_kit.extend(app, parts)


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, site, extend=extend)
    yield made
    await made.close()


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server)


async def test_n098_a_handle_serves_its_client_once_and_for_a_while(
    server: Server, visitor: Visitor, clock: FrozenClock
) -> None:
    mine, theirs = await server.client(), await server.client()
    await visitor.sign_in(await server.person())
    uri = await pushed(server, mine)
    prefix, _, handle = uri.rpartition(":")
    guesses = [
        f"{prefix}:{handle[:-1]}",
        f"{prefix}:{handle}A",
        f"{prefix}:{handle[::-1]}",
        f"{prefix}:{handle.swapcase()}",
        f"{prefix}: {handle}",
        f"{prefix}:",
        f"{prefix}:{'A' * len(handle)}",
        uri.replace("request_uri", "REQUEST_URI"),
        f"https://app.example/r#{handle}",
        handle,
    ]
    for guess in guesses:
        answer = await visitor.visit(mine, request_uri=guess)
        assert refused_by_page(answer).startswith("invalid_request"), guess
    assert refused_by_page(await visitor.visit(theirs, request_uri=uri)) == "invalid_request_uri"
    assert "code" in answered(await visitor.agree(mine, request_uri=uri))
    assert refused_by_page(await visitor.visit(mine, request_uri=uri)) == "invalid_request_uri"
    late = await pushed(server, mine)
    clock.advance(dt.timedelta(seconds=300))
    assert refused_by_page(await visitor.visit(mine, request_uri=late)) == "invalid_request_uri"


async def test_n098_no_handle_is_pushed(server: Server) -> None:
    client = await server.client()
    uri = await pushed(server, client)
    answer = await push(server, client, **request_of(client), request_uri=uri)
    assert refusal(answer) == (400, "invalid_request")
    twice = await push(server, client, **request_of(client), request="a", request_uri=uri)
    assert refusal(twice) == (400, "invalid_request")


BESIDE = {
    "scope": "openid profile email offline_access",
    "state": "another",
    "nonce": "another",
    "prompt": "none",
    "redirect_uri": "https://mallory.example/cb",
    "response_type": "token",
    "response_mode": "fragment",
    "code_challenge": "A" * 43,
    "max_age": "0",
    "resource": "https://mallory.example",
    "claims": '{"id_token": {"phone_number": null}}',
    "acr_values": "none",
    "login_hint": "mallory@app.example",
}


@pytest.mark.parametrize("way", ["pushed", "signed"])
async def test_n099_what_stands_beside_does_not_count(
    server: Server, visitor: Visitor, way: str
) -> None:
    client = await signing_client(server, metadata={"require_signed_request_object": True})
    await visitor.sign_in(await server.person())
    inside = {"request": object_of(server, client)}
    if way == "pushed":
        inside = {"request_uri": await pushed(server, client, **inside)}
    told = answered(await visitor.agree(client, **inside, **BESIDE))
    assert told["state"] == STATE
    tokens = (await server.redeem(client, told["code"])).json()
    assert tokens["scope"] == "openid email"


async def test_n099_two_ways_to_say_it_are_refused(server: Server, visitor: Visitor) -> None:
    client = await signing_client(server)
    uri, raw = await pushed(server, client), object_of(server, client)
    both = await visitor.visit(client, request_uri=uri, request=raw)
    assert refused_by_page(both) == "invalid_request"
    for repeated in (f"request={raw}&request={raw}", f"request_uri={uri}&request_uri={uri}"):
        answer = await visitor.get(f"/oauth2/authorize?client_id={client.id}&{repeated}")
        assert refused_by_page(answer) == "invalid_request"
    for name in ("request", "request_uri"):
        nested = object_of(server, client, head=None, **{name: raw})
        answer = await visitor.visit(client, request=nested)
        assert refused_by_page(answer) == "invalid_request_object"
    other = object_of(server, client, client_id="another")
    assert refused_by_page(await visitor.visit(client, request=other)) == "invalid_request_object"


async def approved_device(server: Server, ada: Person, client: Known | None = None) -> Device:
    device = await begin(server, client)
    await ada.approve(device)
    return device


async def approved_asking(server: Server, user_id: str) -> Asking:
    waits = await asking(server)
    session, _ = await server.session(user_id)
    found = await server.run(lambda work: waiting_for(work, user_id=user_id))
    desk = server.parts.desk
    await server.run(
        lambda work: approve(work, request_id=found[-1].id, who=who_of(session), desk=desk)
    )
    return waits


@pytest.mark.parametrize("how", ["disabled", "principal"])
@pytest.mark.parametrize("grant", ["device_code", "ciba"])
async def test_n110_who_was_locked_out_meanwhile_gets_nothing(
    server: Server, grant: str, how: str
) -> None:
    user_id = await server.person()
    ada = Person(server)
    await ada.sign_in(user_id)
    waits: Any = (
        await approved_device(server, ada)
        if grant == "device_code"
        else await approved_asking(server, user_id)
    )

    async def body(work: Work) -> None:
        if how == "disabled":
            await disable_user(work, user_id=user_id)
        else:
            await principals.disable(work, principal_id=user_id)

    await server.run(body)
    assert refusal(await waits.poll()) == (400, "access_denied")


@pytest.mark.parametrize("grant", ["code", "refresh", "jwt_bearer", "pushed"])
async def test_n110_and_by_no_other_grant(server: Server, visitor: Visitor, grant: str) -> None:
    user_id = await server.person()
    if grant == "jwt_bearer":
        await server.resource(API)
        idp = Upstream(server, await exchanger(server, allowed=False), user_id)
        await idp.trust()
        assert (await idp.present(idp.asserts(jti="before"))).status_code == 200
        await server.run(lambda work: disable_user(work, user_id=user_id))
        assert refusal(await idp.present(idp.asserts(jti="after"))) == (400, "invalid_grant")
        return
    client = await server.client()
    await visitor.sign_in(user_id)
    uri = await pushed(server, client, scope="openid email offline_access", prompt="consent")
    if grant == "pushed":
        page = await visitor.get((await visitor.visit(client, request_uri=uri)).headers["location"])
        await server.run(lambda work: disable_user(work, user_id=user_id))
        told = await visitor.decide(page, "allow")
        assert "code=" not in told.headers.get("location", "")
        return
    code = answered(await visitor.agree(client, request_uri=uri))["code"]
    if grant == "code":
        await server.run(lambda work: disable_user(work, user_id=user_id))
        assert refusal(await server.redeem(client, code)) == (400, "invalid_grant")
        return
    raw = (await server.redeem(client, code)).json()["refresh_token"]
    await server.run(lambda work: disable_user(work, user_id=user_id))
    assert refusal(await server.refresh(client, raw)) == (400, "invalid_grant")


async def test_n110_a_client_disabled_meanwhile_gets_nothing(server: Server) -> None:
    ada = Person(server)
    await ada.sign_in(await server.person())
    device = await approved_device(server, ada)
    await server.run(lambda work: disable_client(work, client_id=device.client.id))
    assert refusal(await device.poll()) == (401, "invalid_client")
