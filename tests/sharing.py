"""People with a connection at the simulated Google, and clients that they share it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin

from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.exchange.set_policy import set_exchange_policy
from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.vault.sharing.policy import Mode, set_release_policy
from tests.at_provider import agree, new_account, order
from tests.installation import Installation, Known, Person

CONNECTIONS: Final = "/api/v1/oauth/connections"
FEATURE: Final = "calendar_read"


@dataclass(frozen=True, slots=True)
class Sharer:
    """Somebody with a connection.

    Args:
        own: Their first-party token.
        account: Whose account it is at the provider.
    """

    person: Person
    own: str
    connection: str
    account: str


async def connected(
    limen: Installation, *features: str, person: Person | None = None, for_tenant: bool = False
) -> Sharer:
    """Somebody whose Google calendar is connected; the tenant's, if they speak for it."""
    person = person or await limen.person()
    own = (await limen.login(person))["access_token"]
    account = await new_account(limen)
    whose = "tenant" if for_tenant else "me"
    body = {"features": list(features or (FEATURE,)), "owner": whose}
    at = f"{CONNECTIONS}?owner={whose}"
    before = await _ids(person, own, at)
    begun = await person.api("POST", "/api/v1/oauth/google/connect", own, body)
    assert begun.status == 200, begun.text
    page = await person.browser.open(begun.json()["link_url"])
    if page.has("sign-in-submit"):
        typed = {"email": person.email, "password": person.password}
        page = await person.browser.press(page, "sign-in-submit", typed)
    form = page.form_with("connect-continue")
    headers = {"Sec-Fetch-Site": "same-origin"}
    left = await person.browser.fetch(
        "POST", urljoin(page.url, form.action), form=form.fields, headers=headers
    )
    assert left.status == 303, left.text
    callback = await agree(limen, left.headers["location"], account=account)
    back = await person.browser.open(callback)
    assert back.status == 200, back.text[:800]
    if back.has("confirm-connect"):
        back = await person.browser.press(back, "confirm-connect")
        assert back.status == 200, back.text[:800]
    [made] = await _ids(person, own, at) - before
    return Sharer(person, own, made, account)


async def _ids(person: Person, own: str, at: str) -> set[str]:
    page = await person.api("GET", at, own)
    assert page.status == 200, page.text
    return {each["id"] for each in page.json()["items"]}


async def agent(limen: Installation, *, mode: Mode = "raw") -> Known:
    """A machine that may exchange anybody's tokens for what they share with it."""
    known = await limen.client("machine", scope=("connections:token",), metadata=_with_exchange())
    policy = ExchangePolicy(
        subject_clients=("*",),
        subjects=("*",),
        audiences=("urn:limen:connection:*", "urn:limen:provider:*"),
    )
    parts = limen.application.runtime.vault

    async def furnish(work: Any) -> None:
        await set_exchange_policy(work, client_id=known.id, policy=policy)
        await set_release_policy(work, parts, client_id=known.id, mode=mode)

    await limen.run(furnish)
    return known


def _with_exchange() -> dict[str, Any]:
    return {"grant_types": [TOKEN_EXCHANGE, "client_credentials"]}


async def share(
    sharer: Sharer, client_id: str, *features: str, owner: str = "me", mode: str = "raw"
) -> None:
    """Agree that a client uses the connection; that it is given its token, unless said."""
    body = {
        "connection_id": sharer.connection,
        "client_id": client_id,
        "features": list(features or (FEATURE,)),
        "mode": mode,
    }
    path = f"/api/v1/oauth/consents?owner={owner}"
    page = await sharer.person.api("POST", path, sharer.own, body)
    assert page.status == 201, page.text


async def kill_access_token(limen: Installation, sharer: Sharer) -> None:
    """Have the token refreshed at a provider that ends the one before it."""
    await order(limen, "google", lies={"refresh_kills_access": True})
    try:
        path = f"{CONNECTIONS}/{sharer.connection}/refresh"
        page = await sharer.person.api("POST", path, sharer.own)
        assert page.status == 200, page.text
    finally:
        await order(limen, "google", lies={})
