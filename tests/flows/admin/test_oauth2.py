from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from limen.testing.visitor import Page
from tests.at_provider import connect, new_account, sign_in_with
from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
ADMIN = "/api/v1/admin/oauth2"
Ask = Callable[[str, str], Awaitable[Page]]


async def asking(limen: Installation) -> Ask:
    """What an administrator asks."""
    admin = await limen.person(role="admin")
    raw = (await limen.login(admin))["access_token"]

    async def ask(method: str, path: str) -> Page:
        return await admin.api(method, ADMIN + path, raw)

    return ask


async def test_an_administrator_sees_and_ends_how_people_sign_in(limen: Installation) -> None:
    ask, browser, sub = await asking(limen), limen.browser(), await new_account(limen)
    await sign_in_with(limen, browser, account=sub)
    me = (await browser.fetch("GET", "/api/v1/auth/me")).json()
    [user] = (await ask("GET", f"/users?user_id={me['id']}")).json()["users"]
    assert (user["provider"], user["provider_user_id"]) == ("google", sub)
    assert user["email"].startswith("own")
    found: list[str] = []
    cursor = "&"
    while cursor:
        page = (await ask("GET", f"/users?provider=google&limit=1{cursor}")).json()
        found += [each["provider_user_id"] for each in page["users"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert sub in found
    assert len(found) == len(set(found))
    stats = {each["provider"]: each for each in (await ask("GET", "/stats")).json()["providers"]}
    assert stats["google"]["identities"] >= stats["google"]["people"] >= 1
    assert stats["google"]["active_today"] >= 1
    assert stats["google"]["status"] == "ok"
    path = f"/users/{me['id']}/identities/{user['identity']}"
    assert (await ask("DELETE", path)).status == 204
    assert (await ask("DELETE", path)).status == 404
    assert (await ask("GET", f"/users?user_id={me['id']}")).json()["users"] == []
    events = (await ask("GET", f"/audit?user_id={me['id']}")).json()["events"]
    assert [event["name"] for event in events] == _in_order(events)
    names = {event["name"] for event in events}
    assert {"account:identity:linked", "account:identity:unlinked"} <= names
    assert (await ask("GET", "/audit?name=account:session:started")).status == 422


async def test_an_administrator_sees_and_ends_connections(limen: Installation) -> None:
    ask, person = await asking(limen), await limen.person()
    await person.sign_in()
    await connect(limen, person, account=await new_account(limen))
    [token] = (await ask("GET", f"/tokens?user_id={person.id}")).json()["tokens"]
    assert (token["provider"], token["state"]) == ("google", "active")
    assert not {"access_token", "refresh_token"} & token.keys()
    stats = {each["provider"]: each for each in (await ask("GET", "/stats")).json()["providers"]}
    assert stats["google"]["connections"]["active"] >= 1
    assert (await ask("DELETE", f"/tokens/{token['id']}")).status == 204
    assert (await ask("GET", f"/tokens?user_id={person.id}")).json()["tokens"] == []
    assert (await ask("DELETE", f"/tokens/{token['id']}")).status == 404


def _in_order(events: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in sorted(events, key=lambda each: each["at"], reverse=True)]


async def test_nobody_else_does(limen: Installation) -> None:
    person = await limen.person()
    raw = (await limen.login(person))["access_token"]
    for method, path in (
        ("GET", "/users"),
        ("GET", "/tokens"),
        ("GET", "/stats"),
        ("GET", "/audit"),
        ("DELETE", "/tokens/x"),
        ("DELETE", f"/users/{person.id}/identities/x"),
    ):
        assert (await person.api(method, ADMIN + path, raw)).status == 403, path
        assert (await limen.api.fetch(method, ADMIN + path)).status == 401, path
