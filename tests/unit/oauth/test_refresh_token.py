from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.protocol.client_metadata import ClientType
from limen.protocol.jwt import peek
from limen.sessions.revoke import revoke
from limen.sessions.session import Session
from limen.tenants.policy import TenantPolicy
from limen.testing.clock import FrozenClock
from tests.unit.oauth.http_kit import Known, Server, refusal, serve, under

pytestmark = pytest.mark.anyio

NO = (400, "invalid_grant")


async def granted(
    server: Server, client_type: ClientType = "web", **changes: Any
) -> tuple[Known, Session, dict[str, Any]]:
    """A client that has redeemed a code of somebody who is signed in."""
    client = await server.client(client_type)
    session, _ = await server.session(await server.person())
    answer = await server.redeem(client, await server.code(client, session, **changes))
    assert answer.status_code == 200, answer.text
    return client, session, dict(answer.json())


async def test_a_confidential_client_keeps_its_token(server: Server) -> None:
    client, session, first = await granted(server)
    answer = await server.refresh(client, first["refresh_token"])
    assert answer.status_code == 200, answer.text
    second = answer.json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    identity = peek(second["id_token"]).claims
    assert identity["sub"] == session.user_id
    assert identity["auth_time"] == int(session.authenticated_at.timestamp())
    assert "nonce" not in identity
    assert (await server.refresh(client, first["refresh_token"])).status_code == 200


async def test_a_public_client_gets_a_new_one_each_time(server: Server, clock: FrozenClock) -> None:
    client, _, first = await granted(server, "spa")
    second = (await server.refresh(client, first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    clock.advance(dt.timedelta(seconds=60))
    assert (await server.refresh(client, second["refresh_token"])).status_code == 200


async def test_n043_reuse_ends_the_family(server: Server, clock: FrozenClock) -> None:
    client, _, first = await granted(server, "spa")
    second = (await server.refresh(client, first["refresh_token"])).json()
    clock.advance(dt.timedelta(seconds=11))
    assert refusal(await server.refresh(client, first["refresh_token"])) == NO
    assert server.denied() == ["client:refresh_token:reused"]
    assert refusal(await server.refresh(client, second["refresh_token"])) == NO
    assert len(server.denied()) == 2
    api = await server.api()
    assert not (await server.introspect(api, second["access_token"]))["active"]


async def test_n050_a_confidential_client_must_authenticate(server: Server) -> None:
    client, _, first = await granted(server)
    for nobody in (Known(client.id), Known(client.id, "wrong")):
        sent = await server.refresh(nobody, first["refresh_token"])
        assert refusal(sent) == (401, "invalid_client")
    assert (await server.refresh(client, first["refresh_token"])).status_code == 200


@pytest.mark.parametrize("thief", ["web", "spa"])
async def test_another_client_can_not_use_it(server: Server, thief: ClientType) -> None:
    client, _, first = await granted(server, thief)
    other = await server.client(thief)
    assert refusal(await server.refresh(other, first["refresh_token"])) == NO
    assert (await server.refresh(client, first["refresh_token"])).status_code == 200


async def test_n048_it_ends_with_the_session(server: Server) -> None:
    client, session, first = await granted(server)
    await server.run(lambda work: revoke(work, session_id=session.id))
    assert refusal(await server.refresh(client, first["refresh_token"])) == NO
    assert not (await server.introspect(client, first["access_token"]))["active"]


async def test_n048_a_session_that_idled_ends_it_too(server: Server, clock: FrozenClock) -> None:
    idle = dt.timedelta(seconds=TenantPolicy().session_idle_seconds)
    client, _, first = await granted(server)
    for _ in range(2):
        clock.advance(idle - dt.timedelta(hours=1))
        assert (await server.refresh(client, first["refresh_token"])).status_code == 200
    clock.advance(idle)
    assert refusal(await server.refresh(client, first["refresh_token"])) == NO


async def test_with_offline_access_it_outlives_the_session(server: Server) -> None:
    client, session, first = await granted(server, scope=("openid", "offline_access", "read"))
    await server.run(lambda work: revoke(work, session_id=session.id))
    assert (await server.refresh(client, first["refresh_token"])).status_code == 200


async def test_n053_offline_is_not_for_ever(server: Server, clock: FrozenClock) -> None:
    client, _, first = await granted(server, scope=("openid", "offline_access", "read"))
    for _ in range(6):
        clock.advance(dt.timedelta(days=29))
        assert (await server.refresh(client, first["refresh_token"])).status_code == 200
    clock.advance(dt.timedelta(days=29))
    assert refusal(await server.refresh(client, first["refresh_token"])) == NO


async def test_n053_an_idle_one_ends(server: Server, clock: FrozenClock) -> None:
    client, _, first = await granted(server, scope=("openid", "offline_access", "read"))
    clock.advance(dt.timedelta(days=31))
    assert refusal(await server.refresh(client, first["refresh_token"])) == NO


async def test_n048_a_disabled_client_refreshes_nothing(server: Server) -> None:
    client, _, first = await granted(server)
    await server.run(lambda work: disable_client(work, client_id=client.id))
    sent = await server.refresh(client, first["refresh_token"])
    assert refusal(sent) == (401, "invalid_client")


async def test_n049_a_scope_the_client_lost_is_gone(server: Server) -> None:
    client, _, first = await granted(server, scope=("openid", "read", "write"))
    changes = ClientChanges(metadata={"scope": "openid read"})
    await server.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    second = (await server.refresh(client, first["refresh_token"])).json()
    assert second["scope"] == "openid read"


@pytest.mark.parametrize("offline", [True, False])
async def test_n049_one_factor_refreshes_nothing_where_two_are_demanded_by_now(
    works: Works, site: Site, *, offline: bool
) -> None:
    scope = ("openid", "read", *(("offline_access",) if offline else ()))
    server = await serve(works, site)
    client, session, first = await granted(server, scope=scope)
    given = {"scope": scope, "amr": ("pwd", "otp", "mfa")}
    other = (await server.redeem(client, await server.code(client, session, **given))).json()
    await server.close()
    policy = TenantPolicy.model_validate({"assurance": {"second_factor": "required"}})
    strict = await serve(works, under(site, policy))
    refused = await strict.refresh(client, first["refresh_token"])
    assert refusal(refused) == NO
    assert (await strict.refresh(client, other["refresh_token"])).status_code == 200
    await strict.close()


async def test_n052_it_may_narrow_and_never_widen(server: Server) -> None:
    client, _, first = await granted(server, "spa", scope=("openid", "read"))
    raw = first["refresh_token"]
    wider = await server.refresh(client, raw, scope="read write")
    assert refusal(wider) == (400, "invalid_scope")
    # The refusal rolled the rotation back: the token presented is still the current one.
    narrow = (await server.refresh(client, raw, scope="read")).json()
    assert narrow["scope"] == "read"
    assert "id_token" not in narrow
    again = (await server.refresh(client, narrow["refresh_token"])).json()
    assert again["scope"] == "openid read"


async def test_n052_a_resource_that_was_not_granted_is_refused(server: Server) -> None:
    for identifier in ("https://x.example", "https://y.example"):
        await server.resource(identifier)
    client, _, first = await granted(server, scope=("read",), resource="https://x.example")
    raw = first["refresh_token"]
    other = await server.refresh(client, raw, resource="https://y.example")
    assert refusal(other) == (400, "invalid_target")
    same = (await server.refresh(client, raw, resource="https://x.example")).json()
    assert peek(same["access_token"]).claims["aud"] == "https://x.example"


@pytest.mark.parametrize("raw", ["x", "lmr_testtenant_x", "a.b.c", "\u00e9"])
async def test_what_is_no_refresh_token_is_invalid(server: Server, raw: str) -> None:
    client = await server.client("web")
    assert refusal(await server.refresh(client, raw)) == NO


async def test_an_access_token_refreshes_nothing(server: Server) -> None:
    client, _, first = await granted(server)
    assert refusal(await server.refresh(client, first["access_token"])) == NO


async def test_twenty_refreshes_at_once_leave_one_living_token(server: Server) -> None:
    client, _, first = await granted(server, "spa")
    raw = first["refresh_token"]
    answers = await asyncio.gather(*(server.refresh(client, raw) for _ in range(20)))
    successors = {a.json()["refresh_token"] for a in answers if a.status_code == 200}
    # One rotation; within the grace some are given the same successor, never another.
    assert len(successors) == 1
    assert {refusal(a) for a in answers if a.status_code != 200} <= {NO}
