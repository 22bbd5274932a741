"""A sign-in that the hooks refuse, while a front end already goes on with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from limen.accounts.create_user import NewUser, create_user
from limen.db.work import Works
from limen.hooks.model import HookAnswer, Question
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.authorization.undo_sign_in import undo_sign_in
from limen.sessions.events import SessionEnded, SessionStarted
from limen.signin.ask_after_sign_in import ask_after_sign_in
from tests.unit.oauth.http_kit import Known, Server, refusal, serve
from tests.unit.oauth.journey_kit import extend, query, request_of

pytestmark = pytest.mark.anyio

WHO = {"email": "ada@app.example", "password": "correct horse battery staple"}
SCOPE = "openid offline_access"


class Slow:
    """A hook that takes its time: meanwhile a front end goes on with what was begun."""

    def __init__(self) -> None:
        self.server: Server
        self.client: Known
        self.handle = ""
        self.allow = False
        self.tokens: dict[str, Any] = {}

    async def post(self, what: str, body: Any = None) -> httpx2.Response:
        path = f"/api/v1/interactions/{self.handle}/{what}"
        headers = {"accept": "application/json", **self.client.basic}
        return await self.server.http.post(path, json=body, headers=headers)

    async def __call__(self, _question: Question) -> HookAnswer:
        done = (await self.post("consent")).json()
        code = query(done["redirect_to"])["code"]
        self.tokens = (await self.server.redeem(self.client, code)).json()
        return HookAnswer(allow=self.allow)


@pytest.fixture
async def slow(works: Works, site: Site) -> AsyncIterator[Slow]:
    slow = Slow()
    server = slow.server = await serve(works, site, extend=extend, hooks={"after_sign_in": (slow,)})
    assert server.parts.hooks is not None
    works.reactions = {
        SessionStarted: (ask_after_sign_in(works, server.parts.hooks),),
        SessionEnded: (undo_sign_in,),
    }
    new = NewUser(email=WHO["email"], password=Secret(WHO["password"]), verified=True)
    await server.run(lambda work: create_user(work, new=new, hasher=server.parts.hasher))
    slow.client = await server.client()
    opened = await server.http.get(
        "/oauth2/authorize",
        params=request_of(slow.client, scope=SCOPE),
        headers={"accept": "application/json", **slow.client.basic},
    )
    slow.handle = opened.json()["id"]
    yield slow
    await server.close()


@pytest.mark.parametrize("allow", [True, False])
async def test_what_was_fetched_before_the_no_ends_with_it(slow: Slow, allow: bool) -> None:
    slow.allow = allow
    answer = await slow.post("login", WHO)
    assert answer.status_code == (200 if allow else 403), answer.text
    refreshed = await slow.server.refresh(slow.client, slow.tokens["refresh_token"])
    if allow:
        assert refreshed.status_code == 200, refreshed.text
    else:
        assert refusal(refreshed) == (400, "invalid_grant")
