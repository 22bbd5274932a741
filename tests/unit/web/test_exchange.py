from __future__ import annotations

from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import bindparam
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.db.base import metadata
from limen.db.outbox import enqueue
from limen.db.statements import DatabaseRetry
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, InvalidInput, OAuthRefusal
from limen.web.deps import CurrentWork, authenticate
from limen.web.exchange import PUBLIC, Exchange, WorkRoute, route
from tests.unit.web.conftest import DEFAULT, Bench, Serve

pytestmark = pytest.mark.anyio

_OUTBOX = metadata.tables["limen_outbox"]
_COUNT = (
    sa.select(sa.func.count())
    .select_from(_OUTBOX)
    .where(_OUTBOX.c.tenant_id == bindparam("tenant_id"))
)


async def write(work: Work) -> None:
    await enqueue(work, kind="test", payload=b"x")


def never(value: str) -> str:
    raise ValueError(f"{value} is no colour")


class Body(BaseModel):
    name: str = Field(max_length=5)
    size: int = 0
    colour: Annotated[str, AfterValidator(never)] = ""


def api(handler: Any, **kwargs: Any) -> APIRouter:
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1")
    router.post("/thing", **kwargs)(handler)
    return router


async def that_writes(work: CurrentWork) -> Work:
    await write(work)
    return work


async def count(bench: Bench) -> int:
    async def body(work: Work) -> int:
        return int((await work.execute(_COUNT)).scalar())

    return await bench.works.run(DEFAULT, body)


async def test_what_was_written_is_committed_when_the_answer_arrives(bench: Bench) -> None:
    async def handler(request: Request, work: Work) -> Response:
        await write(work)
        return JSONResponse({"ok": True})

    client = bench.serve(route("/x", handler, guard=PUBLIC, face="json", methods=["POST"]))
    answer = await client.post("/x")
    assert answer.json() == {"ok": True}
    assert await count(bench) == 1


async def test_a_refusal_rolls_back_and_keeps_what_must_outlive_it(bench: Bench) -> None:
    async def handler(request: Request, work: Work) -> Response:
        await write(work)
        await write(work)
        work.even_if_refused(write)
        raise Conflict("taken", "That name is taken.", detail="row 7")

    client = bench.serve(route("/x", handler, guard=PUBLIC, face="json", methods=["POST"]))
    answer = await client.post("/x")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "That name is taken.",
        "code": "taken",
    }
    assert await count(bench) == 1


async def test_a_crash_keeps_nothing_and_says_nothing(bench: Bench) -> None:
    async def handler(request: Request, work: Work) -> Response:
        await write(work)
        work.even_if_refused(write)
        raise ValueError("canary-in-a-message")

    client = bench.serve(route("/x", handler, guard=PUBLIC, face="json", methods=["POST"]))
    answer = await client.post("/x")
    assert answer.status_code == 500
    assert answer.json()["code"] == "server_error"
    assert "canary" not in answer.text
    assert await count(bench) == 0


async def test_the_body_runs_again_when_the_database_asks_for_it(bench: Bench) -> None:
    seen: list[bytes] = []

    async def handler(request: Request, work: Work) -> Response:
        seen.append(await request.body())
        await write(work)
        if len(seen) < 3:
            raise DatabaseRetry("40001")
        return JSONResponse({"tries": len(seen)})

    client = bench.serve(route("/x", handler, guard=PUBLIC, face="json", methods=["POST"]))
    answer = await client.post("/x", content=b"abc")
    assert answer.json() == {"tries": 3}
    assert seen == [b"abc"] * 3
    assert await count(bench) == 1


async def test_fastapi_handlers_share_one_work_with_their_dependencies(bench: Bench) -> None:
    async def handler(
        work: CurrentWork, same: Annotated[Work, Depends(that_writes)], body: Body
    ) -> dict[str, Any]:
        return {"same": work is same, "name": body.name}

    client = bench.serve(api(handler))
    answer = await client.post("/api/v1/thing", json={"name": "ada"})
    assert answer.json() == {"same": True, "name": "ada"}
    assert await count(bench) == 1


async def test_an_answer_that_fails_its_own_schema_is_not_committed(bench: Bench) -> None:
    async def handler(work: CurrentWork) -> Any:
        await write(work)
        return {"name": 7}

    client = bench.serve(api(handler, response_model=Body))
    answer = await client.post("/api/v1/thing")
    assert answer.status_code == 500
    assert await count(bench) == 0


@pytest.mark.parametrize(
    ("sent", "members"),
    [
        ({}, [{"field": "name", "code": "missing", "detail": "Field required."}]),
        (
            {"name": "canary<script>"},
            [
                {
                    "field": "name",
                    "code": "string_too_long",
                    "detail": "String should have at most 5 characters.",
                }
            ],
        ),
        (
            {"name": "a", "size": "canary"},
            [
                {
                    "field": "size",
                    "code": "int_parsing",
                    "detail": "Input should be a valid integer, unable to parse string as an integer.",
                }
            ],
        ),
        (
            {"name": "a", "colour": "canary"},
            [{"field": "colour", "code": "invalid", "detail": "This is not acceptable."}],
        ),
    ],
)
async def test_invalid_members_are_named_and_not_echoed(
    serve: Serve, sent: dict[str, Any], members: list[dict[str, str]]
) -> None:
    async def handler(body: Body) -> None: ...

    answer = await serve(api(handler)).post("/api/v1/thing", json=sent)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"
    assert answer.json()["errors"] == members
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"\xff", "application/json", 400, "malformed_request"),
        (b"[" * 64 + b"]" * 64, "application/json", 422, "invalid_input"),
        (b"[" * 65 + b"]" * 65, "application/json", 400, "malformed_request"),
        (b"[" * 1999, "application/json", 400, "malformed_request"),
        (b'{"name":[' + b"[]," * 300 + b"[]]}", "application/json", 422, "invalid_input"),
        (b'{"name":"' + b"[" * 900 + b'"}', "application/json", 422, "invalid_input"),
        ('{"name":"a"}'.encode("utf-16"), "application/json", 400, "malformed_request"),
        (b'{"name":"a"}', "text/plain", 415, "unsupported_content_type"),
        (b"name=a", "application/x-www-form-urlencoded", 415, "unsupported_content_type"),
        (b'{"name":"a"}', "", 415, "unsupported_content_type"),
        (b"x" * 2001, "application/json", 413, "request_too_large"),
    ],
)
async def test_a_body_that_is_not_what_it_should_be(
    serve: Serve, content: bytes, kind: str, status: int, code: str
) -> None:
    async def handler(body: Body) -> None: ...

    client = serve(api(handler))
    answer = await client.post("/api/v1/thing", content=content, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_body_of_unannounced_length_is_counted(serve: Serve) -> None:
    async def handler(body: Body) -> None: ...

    async def plain(request: Request, work: Work) -> Response:
        return Response(await request.body())

    async def stream() -> Any:
        for _ in range(30):
            yield b'"' + b"a" * 100 + b'"'

    client = serve(api(handler), route("/x", plain, guard=PUBLIC, face="oauth", methods=["POST"]))
    kind = {"content-type": "application/json"}
    for path in ("/api/v1/thing", "/x"):
        answer = await client.post(path, content=stream(), headers=kind)
        assert answer.status_code == 413


async def test_compressed_bodies_are_refused(serve: Serve) -> None:
    async def handler(body: Body) -> None: ...

    client = serve(api(handler))
    for encoding in ("gzip", "br", "GZIP, gzip"):
        answer = await client.post(
            "/api/v1/thing", content=b"{}", headers={"content-encoding": encoding}
        )
        assert answer.status_code == 415


async def test_each_face_tells_a_refusal_in_its_own_way(serve: Serve) -> None:
    async def handler(request: Request, work: Work) -> Response:
        raise OAuthRefusal("invalid_grant", 'The "code" is <used>.')

    client = serve(
        route("/a", handler, guard=PUBLIC, face="oauth"),
        route("/b", handler, guard=PUBLIC, face="json"),
        route("/c", handler, guard=PUBLIC, face="page"),
    )
    oauth = await client.get("/a")
    assert oauth.json() == {
        "error": "invalid_grant",
        "error_description": "The  code  is <used>.",
    }
    assert oauth.headers["cache-control"] == "no-store"
    assert (await client.get("/b")).json()["code"] == "invalid_grant"
    page = await client.get("/c")
    assert page.status_code == 400
    assert 'id="error-page"' in page.text
    assert '<code id="error-code">invalid_grant</code>' in page.text
    assert "&lt;used&gt;" in page.text


async def test_without_pages_a_page_answers_json(serve: Serve) -> None:
    async def handler(request: Request, work: Work) -> Response:
        raise InvalidInput("bad")

    client = serve(route("/c", handler, guard=PUBLIC, face="page"), serve_pages=False)
    assert (await client.get("/c")).json()["code"] == "bad"


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/oauth2/nothing", "text/html", "application/json"),
        ("/api/v1/nothing", "text/html", "application/problem+json"),
        ("/.well-known/nothing", "text/html", "application/problem+json"),
        ("/nothing", "text/html", "text/html; charset=utf-8"),
        ("/nothing", "*/*", "application/problem+json"),
        ("/account.css", "text/html", "text/html; charset=utf-8"),
    ],
)
async def test_unknown_paths_are_typed(serve: Serve, path: str, accept: str, kind: str) -> None:
    answer = await serve().get(path, headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-store"


async def test_the_wrong_verb_is_typed_and_told_the_right_one(serve: Serve) -> None:
    async def handler(request: Request, work: Work) -> Response:
        return Response()

    client = serve(route("/oauth2/token", handler, guard=PUBLIC, face="oauth", methods=["POST"]))
    answer = await client.get("/oauth2/token")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"] == "invalid_request"


async def test_who_asks_is_found_once_and_becomes_the_actor(bench: Bench) -> None:
    asked: list[str] = []

    async def nobody(request: Request, work: Work) -> Actor | None:
        asked.append("nobody")
        return None

    async def ada(request: Request, work: Work) -> Actor | None:
        asked.append("ada")
        return Actor("user", "ada", scope=frozenset())

    async def handler(request: Request, work: Work) -> Response:
        first = await authenticate(request, work)
        second = await authenticate(request, work)
        return JSONResponse({"same": first is second, "id": work.actor.id})

    client = bench.serve(
        route("/x", handler, guard=PUBLIC, face="json"), authenticators=(nobody, ada)
    )
    assert (await client.get("/x")).json() == {"same": True, "id": "ada"}
    assert asked == ["nobody", "ada"]


async def test_a_guard_runs_before_the_handler(serve: Serve) -> None:
    class Closed:
        permission = "none"

        async def __call__(self, request: Request, work: Work, /) -> None:
            raise InvalidInput("closed")

    async def handler(request: Request, work: Work) -> Response:
        raise AssertionError

    made = route("/x", handler, guard=Closed(), face="json")
    assert isinstance(made.endpoint, Exchange)
    assert made.endpoint.guard.permission == "none"
    assert (await serve(made).get("/x")).json()["code"] == "closed"
