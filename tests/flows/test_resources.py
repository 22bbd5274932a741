"""Tokens for several of a provider's resources, over HTTP."""

from __future__ import annotations

from limen.client import ME, Limen
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from tests.at_provider import agree, leave_to_connect
from tests.installation import Installation, Person
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
BASE = "/api/v1/oauth/connections"
OUTLOOK = "https://outlook.office.com"
MICROSOFT = "/api/v1/admin/providers/microsoft"


async def register(limen: Installation) -> None:
    """See to it that Microsoft is there and switched on, whatever others did with it."""
    admin = await limen.person(role="admin")
    raw = (await limen.login(admin))["access_token"]
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    made = await admin.api("PUT", f"{MICROSOFT}/client", raw, client)
    assert made.status == 200, made.text
    await admin.api("PUT", f"{MICROSOFT}/state", raw, {"state": "enabled"})


async def connected(limen: Installation) -> tuple[Person, str, str]:
    """Somebody whose mail and profile one connection is good for; their token, and where it is."""
    await register(limen)
    person = await limen.person()
    await person.sign_in()
    url = await leave_to_connect(person, "microsoft", feature="outlook_imap")
    assert (await person.browser.open(await agree(limen, url))).status == 200
    own = (await limen.login(person))["access_token"]
    [connection] = (await person.api("GET", BASE, own)).json()["items"]
    return person, own, f"{BASE}/{connection['id']}"


async def test_one_connection_gives_each_api_its_own_token(limen: Installation) -> None:
    person, own, at = await connected(limen)

    async def token(query: str = "") -> dict[str, object]:
        page = await person.api("GET", f"{at}/token{query}", own)
        assert page.status == 200, page.text
        assert page.headers["cache-control"] == "no-store"
        return dict(page.json())

    mail, graph = await token("?resource=outlook"), await token()
    assert str(mail["scope"]).startswith(OUTLOOK)
    assert OUTLOOK not in str(graph["scope"])
    again = await token(f"?resource={OUTLOOK}")
    assert (again["access_token"], again["generation"]) == (
        mail["access_token"],
        mail["generation"],
    )

    api = f"{at}/proxy/outlook.office.com/api/v2.0/me"
    assert (await person.api("GET", api, own)).status == 200
    assert (await person.api("GET", f"{at}/proxy/graph.microsoft.com/v1.0/me", own)).status == 200

    limen.clock.advance(minutes=2)
    body = {"generation": mail["generation"], "resource": "outlook", "status": 401}
    told = (await person.api("POST", f"{at}/report", own, body)).json()
    assert told["advice"] == "use_newer"
    newer = await token("?resource=outlook")
    assert newer["generation"] == told["generation"] != mail["generation"]
    assert (await token())["access_token"] == graph["access_token"]

    unknown = await person.api("GET", f"{at}/token?resource=azure", own)
    assert (unknown.status, unknown.json()["code"]) == (422, "resource_unknown")

    async with Limen(limen.issuer, own, clock=limen.clock) as client:
        theirs = await client.connections.token(ME, "microsoft", resource="outlook")
        assert theirs.value.reveal() == newer["access_token"]
        default = await client.connections.token(ME, "microsoft")
        assert default.value.reveal() == graph["access_token"]
