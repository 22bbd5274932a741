from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import Depends, FastAPI

from limen.tokens.resource import InProcess, ResourceServer
from tests.unit.tokens.kit import API, Tokens

pytestmark = pytest.mark.anyio
TWO = "urn:limen:acr:2"


@pytest.fixture
async def http(tokens: Tokens) -> AsyncIterator[httpx2.AsyncClient]:
    server = ResourceServer(API, source=InProcess(tokens.works, tokens.site, tokens.keyring))
    app = FastAPI()

    guard = server.require_scope("read", acr_values=(TWO, "x"), max_age=300)

    @app.get("/pay", dependencies=[Depends(guard)])
    async def pay() -> str:
        return "paid"

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://api.example") as client:
        yield client


async def pay(http: httpx2.AsyncClient, tokens: Tokens, *, acr: str, ago: int) -> httpx2.Response:
    signed_in_at = tokens.clock.now() - dt.timedelta(seconds=ago)
    started = await tokens.start(acr=acr, authenticated_at=signed_in_at)
    raw = (await tokens.access(started)).raw.reveal()
    return await http.get("/pay", headers={"authorization": f"Bearer {raw}"})


@pytest.mark.parametrize(("acr", "ago"), [("", 0), ("urn:limen:acr:1", 0), (TWO, 301)])
async def test_rfc_9470_a_weak_or_old_sign_in_is_told_what_to_ask_for(
    tokens: Tokens, http: httpx2.AsyncClient, acr: str, ago: int
) -> None:
    answer = await pay(http, tokens, acr=acr, ago=ago)
    assert answer.status_code == 401
    told = answer.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in told
    assert f'acr_values="{TWO} x"' in told
    assert 'max_age="300"' in told


@pytest.mark.parametrize("acr", [TWO, "x"])
async def test_rfc_9470_a_sign_in_that_does_comes_in(
    tokens: Tokens, http: httpx2.AsyncClient, acr: str
) -> None:
    assert (await pay(http, tokens, acr=acr, ago=300)).status_code == 200


async def test_a_token_without_a_sign_in_is_none_of_anybody(
    tokens: Tokens, http: httpx2.AsyncClient
) -> None:
    raw = (await tokens.own(scope=("read",))).raw.reveal()
    answer = await http.get("/pay", headers={"authorization": f"Bearer {raw}"})
    assert answer.status_code == 401
    assert "insufficient_user_authentication" in answer.headers["www-authenticate"]
