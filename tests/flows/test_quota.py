"""Units of a provider's quota over HTTP: the owner's figures, the administrator's, the page."""

from __future__ import annotations

from tests.at_provider import agree, leave_to_connect, order
from tests.installation import Installation, Person
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
BASE = "/api/v1/oauth/connections"


async def furnished(limen: Installation, admin: Person, raw: str) -> None:
    """A client at YouTube that may search once a day."""
    at = "/api/v1/admin/providers/youtube"
    client = {"client_id": "simulated", "client_secret": "simulated-secret"}
    made = await admin.api("PUT", f"{at}/client", raw, client)
    assert made.status == 200, made.text
    quota = {"quota": {"buckets": {"search": 1}, "enforced": True}}
    assert (await admin.api("PUT", f"{at}/override", raw, {"override": quota})).status == 200
    known = [{"client_id": "simulated", "secret": "simulated-secret"}]
    account = {"sub": "tube", "email": "tube@example.test", "name": "Tube"}
    await order(limen, "youtube", clients=known, accounts=[account])


async def connected(limen: Installation, person: Person) -> tuple[str, str]:
    """Connect the account; return a first-party token and the connection's id."""
    await person.sign_in()
    left = await leave_to_connect(person, "youtube", feature="youtube_read")
    await person.browser.open(await agree(limen, left, account="tube"))
    own = (await limen.login(person))["access_token"]
    [connection] = (await person.api("GET", BASE, own)).json()["items"]
    return own, connection["id"]


async def test_what_calls_cost_is_shown_to_owner_and_administrator(limen: Installation) -> None:
    admin, person = await limen.person(role="admin"), await limen.person()
    theirs = (await limen.login(admin))["access_token"]
    await furnished(limen, admin, theirs)
    own, id_ = await connected(limen, person)
    search = f"{BASE}/{id_}/proxy/youtube.googleapis.com/youtube/v3/search"
    first = await person.api("GET", search, own)
    assert first.headers["limen-upstream"] == "youtube.googleapis.com"
    refused = await person.api("GET", search, own)
    assert (refused.status, refused.json()["code"]) == (429, "quota_exhausted")
    assert 0 < int(refused.headers["retry-after"]) <= 25 * 3600
    reported = await person.api("POST", f"{BASE}/{id_}/usage", own, {"units": 40})
    assert reported.status == 204, reported.text
    too_many = await person.api("POST", f"{BASE}/{id_}/usage", own, {"units": 10_001})
    assert (too_many.status, too_many.json()["code"]) == (422, "units_invalid")

    shown = (await person.api("GET", f"{BASE}/{id_}/usage", own)).json()
    assert shown["buckets"]["search"] == {"units_a_day": 1, "used": 1, "left": 0}
    assert shown["buckets"][""] == {"units_a_day": 10_000, "used": 40, "left": 9960}
    whose = [(use["client_id"], use["bucket"], use["calls"]) for use in shown["items"]]
    assert whose == [("", "", 0), ("", "search", 1)]
    everybody = "/api/v1/admin/oauth2/usage?provider=youtube&days=1"
    assert (await admin.api("GET", everybody, theirs)).json() == shown
    assert (await person.api("GET", everybody, own)).status == 403
    assert (await admin.api("GET", f"{BASE}/{id_}/usage", theirs)).status == 404
    assert (await admin.api("POST", f"{BASE}/{id_}/usage", theirs, {"units": 1})).status == 404

    page = await person.browser.open(f"/account/connections/{id_}")
    assert "You: 1 / 1 search" in page.text
    assert "You: 40 / 10000 units" in page.text
