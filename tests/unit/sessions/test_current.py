from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.actor import SYSTEM, Actor
from limen.kernel.errors import BearerRefusal
from limen.sessions.current import bearer, from_cookie
from limen.sessions.revoke import revoke
from limen.tenants import api_audience
from limen.tokens.grant import NewGrant
from limen.tokens.issue_access_token import issue_access_token, spec_for
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.principals import put
from limen.tokens.start_grant import start_grant
from tests.house import House
from tests.unit.crypto.kit import make_quickly

pytestmark = pytest.mark.anyio

Authenticator = Callable[[Request, Work], Awaitable[Actor | None]]


async def recognise(house: House, who: Authenticator, *headers: tuple[str, str]) -> Actor | None:
    async def body(work: Work) -> Actor | None:
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "query_string": b"",
            "state": {"site": house.site, "work": work},
        }
        return await who(Request(scope), work)

    return await house.run(body)


async def token(
    house: House, keyring: Keyring, user_id: str, session_id: str, audience: str
) -> str:
    async def body(work: Work) -> str:
        await keyring.create_keys(work)
        await put(work, kind="client", principal_id="app")
        new = NewGrant(
            client_id="app",
            user_id=user_id,
            subject=user_id,
            scope=("openid", "self"),
            resources=(audience,),
            authenticated_at=work.now,
            amr=("pwd",),
            session_id=session_id,
            expires_at=work.now + TokenLifetimes().refresh_idle,
            refreshable=False,
        )
        lifetimes = TokenLifetimes()
        started = await start_grant(work, envelope=house.envelope, lifetimes=lifetimes, new=new)
        spec = spec_for(
            started.grant, scope=new.scope, audience=audience, ttl=lifetimes.access_token
        )
        return (await issue_access_token(work, keyring=keyring, spec=spec)).raw.reveal()

    return await house.run(body, actor=SYSTEM)


async def test_a_browser_is_known_by_its_cookie(house: House) -> None:
    ada = await house.user()
    actor, cookie = await house.signed_in(ada)
    header = ("cookie", f"lm_session_testtenant={cookie.reveal()}")
    assert await recognise(house, from_cookie, header) == actor
    assert await recognise(house, from_cookie) is None
    bad = ("cookie", f"lm_session_testtenant={cookie.reveal()[:-1]}")
    assert await recognise(house, from_cookie, bad) is None


async def test_a_bearer_is_known_by_a_token_for_our_own_api(house: House) -> None:
    keyring = Keyring(house.envelope, make=make_quickly)
    who = bearer(keyring)
    ada = await house.user()
    session_id = (await house.signed_in(ada))[0].session_id
    raw = await token(house, keyring, ada.id, session_id, api_audience(house.site))
    actor = await recognise(house, who, ("authorization", f"Bearer {raw}"))
    assert actor is not None
    assert (actor.kind, actor.id, actor.client_id) == ("user", ada.id, "app")
    assert actor.session_id == session_id
    assert actor.scope == frozenset({"openid", "self"})
    assert actor.authenticated_at is not None
    assert await recognise(house, who) is None
    with pytest.raises(BearerRefusal, match="invalid_request"):
        await recognise(house, who, *[("authorization", f"Bearer {raw}")] * 2)
    await house.run(lambda work: revoke(work, session_id=session_id))
    with pytest.raises(BearerRefusal, match="invalid_token"):
        await recognise(house, who, ("authorization", f"Bearer {raw}"))


async def test_a_token_for_another_resource_opens_nothing_here(house: House) -> None:
    keyring = Keyring(house.envelope, make=make_quickly)
    ada = await house.user()
    session_id = (await house.signed_in(ada))[0].session_id
    for audience in (house.site.issuer, "https://api.example.com", api_audience(house.site) + "/"):
        raw = await token(house, keyring, ada.id, session_id, audience)
        with pytest.raises(BearerRefusal, match="invalid_token"):
            await recognise(house, bearer(keyring), ("authorization", f"Bearer {raw}"))


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Basic YTpi")],
        [("authorization", "")],
        [("authorization", "Bearer x"), ("authorization", "Bearer x")],
        [("authorization", "Bearer x.y.z")],
        [("authorization", "bearer lma_testtenant_" + "A" * 43)],
    ],
)
async def test_a_bad_header_is_refused_and_no_cookie_helps(
    house: House, headers: list[tuple[str, str]]
) -> None:
    _, cookie = await house.signed_in(await house.user())
    keyring = Keyring(house.envelope, make=make_quickly)
    await house.run(keyring.create_keys)
    with pytest.raises(BearerRefusal):
        await recognise(
            house,
            bearer(keyring),
            *headers,
            ("cookie", f"lm_session_testtenant={cookie.reveal()}"),
        )
