from __future__ import annotations

import functools
import inspect
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from limen.access.permissions import PUBLIC, SELF, permissions_of_roles
from limen.app.capabilities import Capabilities
from limen.app.compose import compose
from limen.settings import load
from tests.architecture.routes import Demand, demands


@functools.cache
def built() -> Capabilities:
    """The capabilities of an application in development, which has the most of them."""
    with tempfile.TemporaryDirectory(prefix="limen-routes-") as folder:
        config = Path(folder) / "limen.toml"
        config.touch()
        environment = {"LIMEN_ENVIRONMENT": "development", "LIMEN_DATA_DIR": folder}
        return compose(load(environment, config=config)).capabilities


@functools.cache
def json_api() -> FastAPI:
    """The JSON API as it is mounted."""
    api = FastAPI(openapi_url=None)
    for router in built().json_api():
        api.include_router(router)
    return api


@functools.cache
def walked() -> tuple[Demand, ...]:
    """Every route."""
    return tuple(demands([*built().pages, *json_api().routes]))


def api_routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """Every FastAPI route, those of routers in routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from api_routes(inner.routes)


def calls_of(dependant: Any) -> Iterator[Any]:
    """Everything FastAPI calls for a route: its endpoint, what that depends on, and so on."""
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)


def test_there_are_routes_to_walk() -> None:
    paths = {demand.path for demand in walked()}
    assert {"/oauth2/token", "/oauth2/authorize", "/sign-in", "/api/v1/auth/login"} <= paths
    assert "/api/v1/admin/users" in paths


def test_every_route_declares_exactly_one_permission() -> None:
    assert {d.path: d.permissions for d in walked() if len(d.permissions) != 1} == {}


def test_every_declared_permission_is_known() -> None:
    known = {PUBLIC, SELF, *permissions_of_roles(["owner"])}
    assert {d.path: d.permissions for d in walked() if not set(d.permissions) <= known} == {}


def test_no_two_routes_answer_the_same_request() -> None:
    answered = [(demand.path, method) for demand in walked() for method in demand.methods]
    assert sorted({one for one in answered if answered.count(one) > 1}) == []


def test_administration_is_never_public_and_never_a_persons_own() -> None:
    open_ones = [
        d.path for d in walked() if "/admin/" in d.path and {PUBLIC, SELF} & set(d.permissions)
    ]
    assert open_ones == []


def test_what_is_answered_without_fastapi_demands_what_is_documented() -> None:
    documented = {demand.path: demand for demand in walked()}
    hot = tuple(demands(built().hot))
    assert [demand.path for demand in hot] == [
        "/api/v1/oauth/connections/{connection_id}/token",
        "/api/v1/auth/login",
    ]
    for demand in hot:
        assert demand.permissions == documented[demand.path].permissions
        assert demand.methods - {"HEAD"} == documented[demand.path].methods


def test_nothing_of_the_json_api_runs_in_a_thread() -> None:
    routes = list(api_routes(json_api().routes))
    assert len(routes) > 20
    called = {call for route in routes for call in calls_of(route.dependant)}
    assert [call for call in called if not inspect.iscoroutinefunction(call)] == []


def test_n252_the_audit_log_is_read_and_never_changed_over_http() -> None:
    named = {d.path: d.methods for d in walked() if "audit" in d.path}
    assert named
    assert set().union(*named.values()) <= {"GET", "HEAD"}
