from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from limen.access.permissions import USERS_READ
from limen.access.require import require
from limen.db.work import Work
from limen.web.exchange import PUBLIC, route
from tests.architecture.routes import demands


async def page(request: Request, work: Work) -> Response:
    return Response()


async def bare(request: Request) -> Response:
    return Response()


def found(*routes: Route | Mount) -> dict[str, tuple[str, ...]]:
    return {demand.path: demand.permissions for demand in demands(routes)}


def test_a_guarded_page_tells_its_permission() -> None:
    assert found(route("/sign-in", page, guard=PUBLIC, face="page")) == {"/sign-in": ("public",)}


def test_a_route_without_guard_is_seen_to_have_none() -> None:
    assert found(Route("/bare", bare)) == {"/bare": ()}


def test_routes_of_a_mounted_application_are_walked() -> None:
    assert found(Mount("/in", routes=[Route("/bare", bare)])) == {"/in/bare": ()}


def test_dependencies_of_the_json_api_tell_theirs() -> None:
    router = APIRouter(prefix="/api")
    router.get("/users", dependencies=[require(USERS_READ)])(lambda: None)
    router.get("/open")(lambda: None)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    walked = {demand.path: demand.permissions for demand in demands(app.routes)}
    assert walked == {"/api/users": (USERS_READ,), "/api/open": ()}
