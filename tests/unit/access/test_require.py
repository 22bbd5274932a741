from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from fastapi import FastAPI, params
from fastapi.routing import APIRoute
from starlette.requests import Request

from limen.access.grant_role import grant_role
from limen.access.permissions import FULL_SCOPE, SELF, USERS_READ
from limen.access.require import RouteGuard, fresh, public, require, signed_in
from limen.audit.search import AuditFilters, search
from limen.db.work import Work
from limen.kernel.actor import ANONYMOUS, OPERATOR, Actor
from limen.kernel.errors import (
    BearerRefusal,
    NotAuthenticated,
    NotPermitted,
    ReauthenticationRequired,
    Refusal,
)
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from tests.house import House


class Edge:
    """What ``authenticate`` reads of the edge: who is known."""

    def __init__(self, actor: Actor) -> None:
        async def find(_request: Request, _work: Work) -> Actor | None:
            return None if actor.kind == "anonymous" else actor

        self.authenticators = (find,)


async def ask(house: House, guard: RouteGuard, actor: Actor) -> Refusal | None:
    async def body(work: Work) -> None:
        state = {"edge": Edge(actor), "work": work, "site": house.site}
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [],
            "query_string": b"",
            "state": state,
        }
        await guard(Request(scope), work)

    try:
        await house.run(body)
    except Refusal as refused:
        return refused
    return None


async def admin(house: House) -> str:
    user = await house.user()
    await house.run(
        lambda work: grant_role(work, principal_id=user.id, role="admin"), actor=OPERATOR
    )
    return user.id


@pytest.mark.anyio
async def test_a_permission_is_asked_of_role_and_token(house: House) -> None:
    guard = require(USERS_READ)
    ada, bob = await admin(house), (await house.user()).id
    assert await ask(house, guard, Actor("user", id=ada)) is None
    assert await ask(house, guard, Actor("user", id=ada, scope=frozenset({FULL_SCOPE}))) is None
    assert await ask(house, guard, Actor("user", id=ada, scope=frozenset({USERS_READ}))) is None
    assert isinstance(await ask(house, guard, ANONYMOUS), NotAuthenticated)
    assert isinstance(await ask(house, guard, Actor("user", id=bob)), NotPermitted)
    claimed = Actor("user", id=bob, scope=frozenset({USERS_READ, FULL_SCOPE}))
    assert isinstance(await ask(house, guard, claimed), NotPermitted)
    refused = await ask(house, guard, Actor("user", id=ada, scope=frozenset({"openid"})))
    assert isinstance(refused, BearerRefusal)
    assert (refused.code, refused.scope) == ("insufficient_scope", USERS_READ)


@pytest.mark.anyio
async def test_ones_own_things_are_for_people(house: House) -> None:
    bob = (await house.user()).id
    assert await ask(house, signed_in(), Actor("user", id=bob)) is None
    assert await ask(house, signed_in(), Actor("user", id=bob, scope=frozenset({SELF}))) is None
    limited = Actor("user", id=bob, scope=frozenset({"openid"}))
    assert isinstance(await ask(house, signed_in(), limited), BearerRefusal)
    client = Actor("client", id="app", scope=frozenset({FULL_SCOPE}))
    assert isinstance(await ask(house, signed_in(), client), NotPermitted)
    assert isinstance(await ask(house, signed_in(), ANONYMOUS), NotAuthenticated)


@pytest.mark.anyio
async def test_o4_who_is_known_and_refused_is_recorded_and_nobody_else(house: House) -> None:
    ada, bob = await admin(house), (await house.user()).id
    limited = Actor("user", id=ada, scope=frozenset({"openid"}))
    app = new_id(house.clock.now())
    client = Actor("client", id=app, client_id=app, scope=frozenset({FULL_SCOPE}))
    for actor in (ANONYMOUS, Actor("user", id=ada), Actor("user", id=bob), limited):
        await ask(house, require(USERS_READ), actor)
    for actor in (ANONYMOUS, Actor("user", id=bob), client):
        await ask(house, signed_in(), actor)
    filters = AuditFilters(outcome="denied")
    page = await house.run(lambda work: search(work, filters=filters, key=Secret(bytes(32))))
    assert sorted(
        (each.actor_kind, each.actor_id, each.detail["permission"], each.detail["reason"])
        for each in page.events
    ) == [
        ("client", app, SELF, "roles"),
        *sorted([("user", bob, USERS_READ, "roles"), ("user", ada, USERS_READ, "token")]),
    ]


@pytest.mark.anyio
async def test_who_tries_again_and_again_is_recorded_once_a_minute(house: House) -> None:
    bob = Actor("user", id=(await house.user()).id)
    filters = AuditFilters(outcome="denied")

    async def recorded(times: int) -> int:
        for _ in range(times):
            assert await ask(house, require(USERS_READ), bob) is not None
        found = await house.run(lambda work: search(work, filters=filters, key=Secret(bytes(32))))
        return sum(each.actor_id == bob.id for each in found.events)

    assert await recorded(5) == 1
    house.clock.advance(dt.timedelta(seconds=61))
    assert await recorded(5) == 2


@pytest.mark.anyio
async def test_a_fresh_sign_in_is_a_recent_one(house: House) -> None:
    bob = (await house.user()).id
    now = house.clock.now()
    for minutes, age, accepted in [
        (None, 14, True),
        (None, 16, False),
        (5, 4, True),
        (5, 6, False),
    ]:
        actor = Actor("user", id=bob, authenticated_at=now - dt.timedelta(minutes=age))
        refused = await ask(house, fresh(minutes), actor)
        assert (refused is None) == accepted, (minutes, age)
        assert accepted or isinstance(refused, ReauthenticationRequired)
    assert isinstance(await ask(house, fresh(), Actor("user", id=bob)), ReauthenticationRequired)
    assert isinstance(
        await ask(house, fresh(permission=USERS_READ), Actor("user", id=bob, authenticated_at=now)),
        NotPermitted,
    )


@pytest.mark.anyio
async def test_a_public_route_says_why(house: House) -> None:
    guard = public("signing in is how one becomes known")
    assert await ask(house, guard, ANONYMOUS) is None
    assert (guard.permission, guard.reason) == ("public", "signing in is how one becomes known")


def test_a_guard_is_a_fastapi_dependency_that_names_its_permission() -> None:
    app = FastAPI()

    async def handler() -> None: ...

    app.get("/users", dependencies=[require(USERS_READ)])(handler)
    (route,) = [each for each in app.routes if isinstance(each, APIRoute)]
    (guard,) = route.dependencies
    assert isinstance(guard, params.Depends)
    assert isinstance(guard, RouteGuard)
    assert guard.permission == USERS_READ
    assert [each.call for each in route.dependant.dependencies] == [guard.dependency]
