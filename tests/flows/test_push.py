"""A provider's signed event over HTTP: from its order at the simulator to the grant it ends."""

from __future__ import annotations

from typing import Any

from limen.simulators.serve import CLIENT_ID
from tests.at_provider import connect, new_account, order
from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE


async def test_an_event_ends_the_grant_it_names(limen: Installation) -> None:
    person, account = await limen.person(), await new_account(limen)
    await person.sign_in()
    await connect(limen, person, account=account)
    own = (await limen.login(person))["access_token"]
    told = await order(limen, "google", events=[{"sub": account, "client_id": CLIENT_ID}])
    [event] = told["events"]

    async def post(key: str, body: str, provider: str = "google") -> int:
        address = f"{limen.issuer}/api/v1/oauth/events/{provider}/{key}"
        sent = {"data": body.encode(), "headers": event["headers"]}
        async with limen.plain.post(address, **sent) as answer:
            assert account not in await answer.text()
            return answer.status

    key = limen.site.tenant_id
    assert await post("aaaaaaaaaa", event["body"]) == 404
    assert await post(key, event["body"], "notion") == 404
    assert await post(key, "x" * 70_000) == 413
    assert await post(key, "x.y.z") == 400
    assert await _states(person, own) == ["active"]
    assert await post(key, event["body"]) == 202
    assert await _states(person, own) == ["reauth_required"]
    assert await post(key, event["body"]) == 202  # heard before: not to be sent again


async def test_what_is_wrong_with_an_event_is_said_as_rfc_8935_says_it(limen: Installation) -> None:
    address = f"{limen.issuer}/api/v1/oauth/events/google/{limen.site.tenant_id}"
    async with limen.plain.post(address, data=b"x.y.z") as answer:
        assert (answer.status, answer.content_type) == (400, "application/json")
        assert answer.headers["content-language"] == "en"
        assert await answer.json() == {
            "err": "invalid_request",
            "description": "This event is not believed.",
        }


async def test_a_secret_is_set_by_who_may_and_never_told(limen: Installation) -> None:
    path = "/api/v1/oauth/providers/google/push-secret"
    member, admin = await limen.person(), await limen.person(role="admin")
    theirs, own = [(await limen.login(each))["access_token"] for each in (member, admin)]
    body = {"secret": "what the console of the provider shows"}
    assert (await member.api("PUT", path, theirs, body)).status == 403
    refused = await admin.api("PUT", path, own, body)
    assert (refused.status, refused.json()["code"]) == (422, "push_unsupported")
    assert body["secret"] not in refused.text
    assert (await member.api("DELETE", path, theirs)).status == 403
    gone = await admin.api("DELETE", path, own)
    assert (gone.status, gone.json()["code"]) == (404, "push_secret_not_found")


async def _states(person: Any, own: str) -> list[str]:
    listed = await person.api("GET", "/api/v1/oauth/connections", own)
    return [each["state"] for each in listed.json()["items"]]
