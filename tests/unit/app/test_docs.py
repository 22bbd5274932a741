"""The API's description, asked for by strangers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.routing import Router

from limen.app.described.document import document
from limen.app.docs import docs_routes
from limen.kernel.site import Site

pytestmark = pytest.mark.anyio


async def test_it_is_written_once_however_often_and_at_whichever_tenant_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written, grown = [], []
    api = FastAPI(title="Limen")
    api.get("/api/v1/things")(lambda: None)

    def counted(described: FastAPI) -> dict[str, Any]:
        written.append(described)
        return document(described)

    async def whole() -> None:
        grown.append(api)

    monkeypatch.setattr("limen.app.docs.document", counted)
    routes = Router(docs_routes(api, whole=whole))

    async def told(slug: str) -> Any:
        issuer = f"https://{slug}.example"
        site = Site(tenant_id=slug, slug=slug, issuer=issuer, path="")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await routes({**scope, "state": {"site": site}}, receive, send)

        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url=issuer) as client:
            answer = await client.get("/openapi.json")
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    first, second = await asyncio.gather(told("one"), told("two"))
    again = await told("one")
    assert (len(written), len(grown)) == (1, 1)
    assert first["servers"] == [{"url": "https://one.example"}]
    assert second == {**first, "servers": [{"url": "https://two.example"}]}
    assert again == first
    assert "/api/v1/things" in first["paths"]
