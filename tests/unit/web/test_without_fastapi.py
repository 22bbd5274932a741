"""A route that does without FastAPI tells what is wrong in the same words."""

from __future__ import annotations

from typing import Annotated, Final

import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse

from limen.db.work import Work
from limen.web.deps import body_as, query_as
from limen.web.exchange import PUBLIC, WorkRoute, route
from tests.unit.web.conftest import Serve

pytestmark = pytest.mark.anyio

JSON: Final = {"content-type": "application/json"}
GOOD: Final = b'{"name": "ada", "size": 3}'


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=5)
    size: int = 0
    hidden: SecretStr = SecretStr("")


async def _short(request: Request, _: Work) -> JSONResponse:
    return JSONResponse((await body_as(Body, request)).model_dump(mode="json"))


async def _short_query(request: Request, _: Work) -> JSONResponse:
    return JSONResponse(query_as(Body, request).model_dump(mode="json"))


def _long() -> APIRouter:
    router = APIRouter(route_class=WorkRoute)

    @router.post("/api/v1/long")
    async def take(body: Body) -> Body:
        return body

    @router.get("/api/v1/long")
    async def ask(query: Annotated[Body, Query()]) -> Body:
        return query

    return router


def _routes() -> list[object]:
    path = "/api/v1/short"
    return [
        route(path, _short, guard=PUBLIC, face="json", methods=["POST"]),
        route(path, _short_query, guard=PUBLIC, face="json"),
        _long(),
    ]


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        (JSON, GOOD, 200),
        ({"content-type": "application/json; charset=utf-8"}, GOOD, 200),
        ({"content-type": "application/vnd.x+json"}, GOOD, 200),
        (JSON, b'{"name": "a", "hidden": "canary"}', 200),
        ({}, GOOD, 415),
        ({"content-type": "text/plain"}, GOOD, 415),
        ({"content-type": "application/x/y+json"}, GOOD, 415),
        ({"content-type": "application/json, text/plain"}, GOOD, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"name=a", 415),
        (JSON, b"", 422),
        ({}, b"", 422),
        (JSON, b"null", 422),
        (JSON, b"[]", 422),
        (JSON, b'"name"', 422),
        (JSON, b"7", 422),
        (JSON, b"{}", 422),
        (JSON, b'{"name": null}', 422),
        (JSON, b'{"name": "too long", "size": "x"}', 422),
        (JSON, b'{"name": "a", "more": 1}', 422),
        (JSON, b'{"name": "a", "name": "b"}', 200),
        (JSON, b'{"name": "a"', 400),
        (JSON, b"{name: 1}", 400),
        (JSON, b'{"name": "a"} x', 400),
        (JSON, b'{"name": "\xff"}', 400),
        (JSON, b"\xef\xbb\xbf" + GOOD, 400),
        (JSON, GOOD.decode().encode("utf-16"), 400),
        (JSON, b'{"size": NaN}', 400),
        (JSON, b'{"name": ' + b"[" * 300 + b"]" * 300 + b"}", 400),
        (JSON, b" " * 3000, 413),
    ],
)
async def test_bodies_are_read_and_refused_alike(
    serve: Serve, headers: dict[str, str], content: bytes, status: int
) -> None:
    client = serve(*_routes())
    short = await client.post("/api/v1/short", content=content, headers=headers)
    long = await client.post("/api/v1/long", content=content, headers=headers)
    assert short.status_code == status
    assert (short.status_code, short.json()) == (long.status_code, long.json())


async def test_lines_are_no_body_of_one_value(serve: Serve) -> None:
    lines = {"content-type": "application/x-ndjson"}
    client = serve(*_routes())
    assert (await client.post("/api/v1/short", content=GOOD, headers=lines)).status_code == 415
    assert (await client.post("/api/v1/long", content=GOOD, headers=lines)).status_code == 422


@pytest.mark.parametrize(
    "query", ["name=a", "name=a&size=3", "", "name=too+long&size=x", "size=1", "name=a&more=1"]
)
async def test_queries_are_read_and_refused_alike(serve: Serve, query: str) -> None:
    client = serve(*_routes())
    short = await client.get(f"/api/v1/short?{query}")
    long = await client.get(f"/api/v1/long?{query}")
    assert (short.status_code, short.json()) == (long.status_code, long.json())
