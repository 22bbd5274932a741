"""Devices and servers whose requests are approved elsewhere, and the person who approves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI

from limen.oauth.authorization.asked import SignedIn
from limen.oauth.endpoints.decoupled import (
    approvals,
    approve_page,
    development,
    device_page,
)
from limen.oauth.parts import Parts
from limen.protocol.client_metadata import CIBA, DEVICE_CODE
from limen.sessions.session import Session
from limen.testing.clock import FrozenClock
from tests.unit.oauth.http_kit import Known, Server
from tests.unit.oauth.journey_kit import Browser, hidden

BASE = "http://localhost:8000"


def extend(app: FastAPI, parts: Parts) -> None:
    for endpoint in (device_page, approve_page):
        app.router.routes.extend(endpoint.routes(parts))
    app.router.routes.extend(development.routes(parts, base_url=BASE))
    app.include_router(approvals.routes(parts))


def who_of(session: Session) -> SignedIn:
    return SignedIn(
        user_id=session.user_id,
        session_id=session.id,
        authenticated_at=session.authenticated_at,
        amr=session.amr,
    )


@dataclass
class Device:
    """A device at a server, once it has begun."""

    server: Server
    client: Known
    told: dict[str, Any]

    @property
    def user_code(self) -> str:
        return str(self.told["user_code"])

    async def poll(self, **changes: str) -> httpx2.Response:
        form = {"grant_type": DEVICE_CODE, "device_code": self.told["device_code"], **changes}
        return await self.server.post("/oauth2/token", self.client, **form)


async def tv(server: Server, **changes: Any) -> Known:
    """A public client for devices."""
    given = {"redirect_uris": (), "grant_types": (DEVICE_CODE, "refresh_token"), **changes}
    return await server.client("native", **given)


async def begin(server: Server, client: Known | None = None, **form: str) -> Device:
    client = client or await tv(server)
    asked = {"scope": "openid email", **form}
    answer = await server.post("/oauth2/device_authorization", client, **asked)
    assert answer.status_code == 200, answer.text
    return Device(server, client, dict(answer.json()))


@dataclass
class Asking:
    """A server's request that waits for a person."""

    server: Server
    client: Known
    told: dict[str, Any]

    async def poll(self, **changes: str) -> httpx2.Response:
        form = {"grant_type": CIBA, "auth_req_id": self.told["auth_req_id"], **changes}
        return await self.server.post("/oauth2/token", self.client, **form)


async def bank(server: Server, **metadata: Any) -> Known:
    """A confidential client that has people asked."""
    return await server.client(
        "machine",
        grant_types=(CIBA, "refresh_token"),
        **{"metadata": metadata} if metadata else {},
    )


async def have_asked(server: Server, client: Known, **form: str) -> httpx2.Response:
    asked = {"scope": "openid email", "login_hint": "ada@app.example", **form}
    sent = {name: value for name, value in asked.items() if value}
    return await server.post("/oauth2/bc-authorize", client, **sent)


async def asking(server: Server, client: Known | None = None, **form: str) -> Asking:
    client = client or await bank(server)
    answer = await have_asked(server, client, **form)
    assert answer.status_code == 200, answer.text
    return Asking(server, client, dict(answer.json()))


class Person(Browser):
    """Somebody with a browser."""

    async def type_code(self, code: str, *, linked: str = "") -> httpx2.Response:
        page = await self.get("/device" + (f"?user_code={linked}" if linked else ""))
        return await self.send("POST", "/device", data={**hidden(page), "user-code": code})

    async def answer(self, location: str, decision: str) -> httpx2.Response:
        page = await self.get(location)
        return await self.send("POST", "/approve", data={**hidden(page), "decision": decision})

    async def approve(self, device: Device) -> None:
        typed = await self.type_code(device.user_code)
        assert typed.status_code == 303, typed.text
        done = await self.answer(typed.headers["location"], "allow")
        assert 'id="approved"' in done.text, done.text


def pass_seconds(clock: FrozenClock, seconds: float) -> None:
    clock.advance(dt.timedelta(seconds=seconds))
