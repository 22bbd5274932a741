"""What the line of a request and the counters tell of what was asked."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.app.runtime import Runtime
from limen.app.watch import watched
from limen.db.engines import open_database
from limen.db.work import Work, Works
from limen.kernel.errors import InvalidClient
from limen.observe.metrics import render
from limen.testing.clock import FrozenClock
from limen.web.edge import Edge
from limen.web.exchange import PUBLIC, route
from limen.web.framework import install_error_handlers
from limen.web.peer.client_ip import client_ip
from tests.unit.web.conftest import Bench

pytestmark = pytest.mark.anyio


async def tell(request: Request, work: Work) -> Response:
    return JSONResponse({"for": client_ip(request)})


async def refuse(request: Request, work: Work) -> Response:
    raise InvalidClient(public="No.")


ROUTES = (
    route("/told", tell, guard=PUBLIC, face="json"),
    route("/refused", refuse, guard=PUBLIC, face="oauth"),
)


@pytest.fixture
async def asked(tmp_path: Path, clock: FrozenClock, caplog: pytest.LogCaptureFixture) -> Any:
    """Returns a call that sends a request and returns the line that was written of it."""
    database = open_database(f"sqlite:///{tmp_path}/unused.db")
    await database.open()
    app = FastAPI(openapi_url=None)
    install_error_handlers(app)
    app.router.routes.extend(ROUTES)
    edge = Edge(app, Bench(Works(database, clock), clock).parts())
    settings = SimpleNamespace(log=SimpleNamespace(access=True))
    seen = watched(edge, cast("Runtime", SimpleNamespace(settings=settings)))
    transport = httpx2.ASGITransport(app=seen, client=("10.0.0.1", 4711))

    async def ask(path: str, **headers: str) -> dict[str, Any]:
        caplog.clear()
        async with httpx2.AsyncClient(transport=transport, base_url="https://id.example") as http:
            await http.get(path, headers=headers)
        (line,) = (json.loads(m) for m in caplog.messages if '"event":"request"' in m)
        return dict(line)

    with caplog.at_level(logging.INFO, logger="limen"):
        yield ask
    await database.close()


async def test_the_line_names_tenant_and_address(asked: Any) -> None:
    line = await asked("/t/acme/told", **{"x-forwarded-for": "2001:db8::1:2"})
    assert (line["tenant"], line["client"]) == ("acme", "2001:db8::/64")
    assert (line["status"], line["refusal"]) == (200, "")


async def test_a_refusal_is_named_and_counted(asked: Any) -> None:
    line = await asked("/refused")
    assert (line["tenant"], line["status"], line["refusal"]) == ("default", 401, "invalid_client")
    assert b'limen_refusals_total{code="invalid_client"}' in render()


async def test_an_unknown_tenant_is_named_by_the_refusal_alone(asked: Any) -> None:
    line = await asked("/t/nobody/told")
    assert (line["status"], line["refusal"]) == (404, "unknown_tenant")
    assert "nobody" not in json.dumps(line)
