"""Hooks that a tenant set up over the admin API, asked by a real server on every way in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.at_provider import new_account, sign_in_with
from tests.installation import PASSWORD, Installation, new_address
from tests.standings import EACH_ONCE
from tests.unit.net.servers import Listener, answer, listening

pytestmark = EACH_ONCE

YES, NO = answer(b'{"allow": true}'), answer(b'{"allow": false, "reason": "Not on Sundays."}')


@dataclass
class Hook:
    """A hook that answers what it is told to; removed at the end."""

    listener: Listener
    says: list[bytes] = field(default_factory=lambda: [YES])

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(sent.partition(b"\r\n\r\n")[2]) for sent in self.listener.requests]


@asynccontextmanager
async def hooked(limen: Installation, point: str) -> AsyncIterator[Hook]:
    admin = await limen.person(role="owner")
    token = (await limen.login(admin))["access_token"]
    made: list[Hook] = []

    async def reply(_reader: Any, writer: Any) -> None:
        writer.write(made[0].says[-1])

    async with listening(reply) as listener:
        made.append(Hook(listener))
        body = {"point": point, "url": listener.url}
        added = await admin.api("POST", "/api/v1/admin/hooks", token, body)
        assert added.status == 201, added.text
        path = f"/api/v1/admin/hooks/{added.json()['id']}"
        listed = (await admin.api("GET", "/api/v1/admin/hooks", token)).json()["hooks"]
        assert added.json()["id"] in {hook["id"] for hook in listed}
        assert "secret" not in listed[0]
        try:
            yield made[0]
        finally:
            made[0].says.append(YES)
            assert (await admin.api("DELETE", path, token)).status == 204


async def test_a_sign_up_is_asked_about(limen: Installation) -> None:
    async with hooked(limen, "before_sign_up") as hook:
        email = new_address()
        body = {"email": email, "password": PASSWORD, "name": "Ada"}
        hook.says.append(NO)
        refused = await limen.api.fetch("POST", "/api/v1/auth/register", body=body)
        assert (refused.status, refused.json()["code"]) == (403, "refused_by_hook")
        assert refused.json()["detail"] == "Not on Sundays."
        hook.says.append(YES)
        assert (await limen.api.fetch("POST", "/api/v1/auth/register", body=body)).status == 200
        assert hook.asked[-1]["email"] == email
        assert hook.asked[-1]["by"] == "password"
        assert PASSWORD not in json.dumps(hook.asked)


async def test_a_sign_up_by_a_provider_is_asked_about(limen: Installation) -> None:
    account = await new_account(limen)
    async with hooked(limen, "before_sign_up") as hook:
        hook.says.append(NO)
        browser = limen.browser()
        page = await sign_in_with(limen, browser, account=account)
        assert page.has("error-page"), page.text[:300]
        assert hook.asked[-1]["by"] == "google"
        hook.says.append(YES)
        page = await sign_in_with(limen, limen.browser(), account=account)
        assert not page.has("error-page")


async def test_who_a_hook_refuses_is_not_in(limen: Installation) -> None:
    person = await limen.person()
    async with hooked(limen, "after_sign_in") as hook:
        hook.says.append(NO)
        body = {"email": person.email, "password": PASSWORD}
        refused = await limen.api.fetch("POST", "/api/v1/auth/login", body=body)
        assert (refused.status, refused.json()["code"]) == (403, "refused_by_hook")
        page = await person.sign_in()
        assert (await person.browser.fetch("GET", "/account")).status in {302, 303}, page.url
        assert [asked["kind"] for asked in hook.asked] == ["tokens", "browser"]
        assert {asked["user_id"] for asked in hook.asked} == {person.id}
        hook.says.append(answer(b"oh", status="500 Oh"))
        silent = await limen.api.fetch("POST", "/api/v1/auth/login", body=body)
        assert (silent.status, silent.json()["code"]) == (503, "hook_unavailable")
        hook.says.append(YES)
        tokens = await limen.login(person)
    sessions = await person.api("GET", "/api/v1/auth/sessions", tokens["access_token"])
    assert len(sessions.json()["items"]) == 1, sessions.text
