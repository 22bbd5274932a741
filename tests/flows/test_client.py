"""``limen.client`` over HTTP: for the person, for clients they share with, for machines."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import httpx2
import pytest

from limen.access.grant_role import grant_role
from limen.client import (
    ANYONE,
    ME,
    TENANT,
    ApiKey,
    ClientSecret,
    FeatureMissing,
    Limen,
    NotShared,
    OnBehalfOf,
    Outgoing,
    ProviderDown,
    ReauthRequired,
    Refused,
    Several,
    Unauthorized,
    WithAccessToken,
    WithRefreshToken,
)
from limen.client.aiohttp_auth import ConnectionMiddleware
from limen.client.httpx2_auth import ConnectionAuth
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.secret import Secret
from limen.vault.sharing.policy import set_release_policy
from tests.at_provider import order, seen_by
from tests.flows.test_asking import SHARED, app_of, pressed
from tests.installation import Installation, Known
from tests.oauth_client import Flow
from tests.sharing import FEATURE, Sharer, agent, connected, kill_access_token, share
from tests.simulated import query_of
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
CALENDAR = "/google/calendar/v3/users/me/calendarList"
ASKED = "openid offline_access connections:token connections:read connections:connect"


@asynccontextmanager
async def as_client(limen: Installation, known: Known) -> AsyncIterator[Limen]:
    secret = ClientSecret(known.id, Secret(known.secret))
    async with Limen(limen.issuer, secret, clock=limen.clock) as client:
        yield client


def owner(limen: Installation, sharer: Sharer) -> Limen:
    return Limen(limen.issuer, sharer.own, clock=limen.clock)


def subject(sharer: Sharer) -> OnBehalfOf:
    return OnBehalfOf(Secret(sharer.own))


async def test_the_owner_has_tokens_lists_and_learns_what_is_missing(limen: Installation) -> None:
    ada = await connected(limen)
    async with owner(limen, ada) as client:
        token = await client.connections.token(ME, "google", feature=FEATURE)
        assert token.connection_id == ada.connection
        assert token.generation == 1
        assert token.expires_at is not None
        assert token.value.reveal() not in repr(token)
        [shown] = await client.connections.list(ME, provider="google")
        assert (shown.id, shown.state, shown.features[FEATURE]) == (
            ada.connection,
            "active",
            "active",
        )
        states = {each.name: each.state for each in await client.connections.features(ME, shown.id)}
        assert (states[FEATURE], states["drive_read"]) == ("active", "missing")
        with pytest.raises(FeatureMissing) as missing:
            await client.connections.token(ME, "google", feature="drive_read")
        way = await missing.value.activate()
        assert way.url is not None
        assert way.url.startswith(limen.issuer)
        reported = await client.connections.report(ME, shown.id, generation=1, status=403)
        assert reported.advice == "check_features"
        with pytest.raises(NotShared):
            await client.connections.token(ME, "notion")


async def test_a_token_is_asked_for_once_until_it_is_not_fresh(limen: Installation) -> None:
    ada = await connected(limen)
    async with owner(limen, ada) as client:
        before = len(limen.seen)
        found = await asyncio.gather(
            *(client.connections.token(ME, "google", feature=FEATURE) for _ in range(20))
        )
        assert len(set(found)) == 1
        assert len(limen.seen) == before  # the visitors of the test saw none of it
        # A token that was taken away from the server still is in memory, for minutes at most.
        page = await ada.person.api(
            "DELETE", f"/api/v1/oauth/connections/{ada.connection}", ada.own
        )
        assert page.status == 200, page.text
        assert await client.connections.token(ME, "google", feature=FEATURE) == found[0]
        limen.clock.advance(minutes=6)
        with pytest.raises(NotShared):
            await client.connections.token(ME, "google", feature=FEATURE)


async def test_an_api_key_is_its_owners(limen: Installation) -> None:
    ada = await connected(limen)
    body = {"name": "mine", "scope": "connections:token connections:read"}
    page = await ada.person.api("POST", "/api/v1/api-keys", ada.own, body)
    assert page.status == 201, page.text
    made = page.json()
    key = ApiKey(Secret(made["api_key"]))
    async with Limen(limen.issuer, key, clock=limen.clock) as client:
        assert (await client.connections.token(ME, "google")).generation == 1
        with pytest.raises(Unauthorized):
            await client.connections.connect(ME, "google")


async def test_nothing_is_given_on_behalf_of_who_did_not_agree(limen: Installation) -> None:
    ada, known = await connected(limen), await agent(limen)
    async with as_client(limen, known) as client:
        with pytest.raises(NotShared) as refused:
            await client.connections.token(subject(ada), "google", feature=FEATURE)
        assert refused.value.code == "connection_consent_required"
        with pytest.raises(Unauthorized):
            await client.connections.token(ME, "google")
        with pytest.raises(Unauthorized):
            await client.connections.list(subject(ada))
        await share(ada, known.id)
        token = await client.connections.token(subject(ada), "google", feature=FEATURE)
        assert (token.connection_id, token.generation) == (ada.connection, 1)
        with pytest.raises(NotShared):  # agreed is agreed for what was named
            await client.connections.token(subject(ada), "google", feature="drive_read")
    by_proxy = await agent(limen, mode="proxy")
    await share(ada, by_proxy.id)
    async with as_client(limen, by_proxy) as client:
        with pytest.raises(NotShared) as refused:
            await client.connections.token(subject(ada), "google")
        assert refused.value.code == "release_by_proxy_only"
    stranger = Known("nobody", "wrong")
    async with as_client(limen, stranger) as client:
        with pytest.raises(Unauthorized):
            await client.connections.token(subject(ada), "google")


async def test_a_client_uses_its_own_token_of_the_person(limen: Installation) -> None:
    ada = await connected(limen)
    known = await limen.client(scope=tuple(ASKED.split()))
    tokens = await Flow(limen, known).tokens(
        ada.person, scope=ASKED, resource=f"{limen.issuer}/api/v1"
    )
    kept: list[Secret[str]] = []

    async def keep(rotated: Secret[str]) -> None:
        kept.append(rotated)

    async with as_client(limen, known) as client:
        direct = WithAccessToken(Secret(tokens["access_token"]))
        with pytest.raises(NotShared):
            await client.connections.token(direct, "google")
    await share(ada, known.id)
    policy = f"/api/v1/oauth/release-policies/{known.id}"
    admin = await limen.person(role="admin")
    theirs = (await limen.login(admin))["access_token"]
    assert (await admin.api("PUT", policy, theirs, {"mode": "raw"})).status == 200
    async with as_client(limen, known) as client:
        by_refresh = WithRefreshToken(Secret(tokens["refresh_token"]), keep)
        first = await client.connections.token(direct, "google")
        again = await client.connections.token(by_refresh, "google")
        assert first.value == again.value
        limen.clock.advance(minutes=30)  # our own access token ends, and is renewed
        renewed = await client.connections.token(by_refresh, "google")
        assert renewed.value
        assert not kept  # a confidential client keeps its refresh token
        with pytest.raises(Unauthorized):
            await client.connections.token(direct, "google")


async def test_a_public_clients_rotated_token_is_handed_over_to_be_kept(
    limen: Installation,
) -> None:
    ada = await connected(limen)
    known = await limen.client("native", scope=tuple(ASKED.split()))
    tokens = await Flow(limen, known).tokens(
        ada.person, scope=ASKED, resource=f"{limen.issuer}/api/v1"
    )
    kept: list[Secret[str]] = []

    async def keep(rotated: Secret[str]) -> None:
        kept.append(rotated)

    user = WithRefreshToken(Secret(tokens["refresh_token"]), keep)
    async with Limen(limen.issuer, ClientSecret(known.id), clock=limen.clock) as client:
        for number in (1, 2):
            assert len(await client.connections.list(user)) == 1
            assert len(kept) == number
            limen.clock.advance(minutes=30)
    assert len({each.reveal() for each in kept}) == 2


async def test_several_are_told_apart(limen: Installation) -> None:
    ada, known = await connected(limen), await agent(limen)
    second = await connected(limen)
    async with owner(limen, second) as client:
        assert len(await client.connections.list(ME)) == 1
    way_back = await _connect_another(limen, ada)
    async with owner(limen, ada) as client:
        with pytest.raises(Several) as several:
            await client.connections.token(ME, "google")
        assert set(several.value.connections) == {ada.connection, way_back}
        named = await client.connections.token(ME, "google", connection=way_back)
        assert named.connection_id == way_back
    async with as_client(limen, known) as client:
        for connection in (ada.connection, way_back):
            await share(Sharer(ada.person, ada.own, connection, ""), known.id)
        with pytest.raises(Several):
            await client.connections.token(subject(ada), "google")
        token = await client.connections.token(subject(ada), "google", connection=way_back)
        assert token.value == named.value


async def _connect_another(limen: Installation, sharer: Sharer) -> str:
    other = await connected(limen, person=sharer.person)
    return other.connection


async def test_a_machine_uses_what_the_tenant_shares_with_it(limen: Installation) -> None:
    admin = await limen.person(role="admin")
    tenants = await connected(limen, person=admin, for_tenant=True)
    known = await agent(limen)
    async with as_client(limen, known) as client:
        with pytest.raises(NotShared):
            await client.connections.token(TENANT, "google", connection=tenants.connection)
        await share(tenants, known.id, owner="tenant")
        by_id = await client.connections.token(TENANT, "google", connection=tenants.connection)
        by_name = await client.connections.token(TENANT, "google", feature=FEATURE)
        assert by_id.value == by_name.value
    async with owner(limen, tenants) as client:
        assert (await client.connections.token(TENANT, "google")).value == by_id.value


async def test_a_person_is_asked_and_what_they_share_is_used(limen: Installation) -> None:
    ada, mallory = await connected(limen), await limen.person()
    known, raw = await app_of(limen, ada.person, mode="raw")
    user = WithAccessToken(Secret(raw))
    async with as_client(limen, known) as client:
        with pytest.raises(NotShared):
            await client.connections.token(user, "google")
        asked = await client.connections.ask_to_share(
            user, "google", features=[FEATURE], redirect_uri=SHARED, state="s t"
        )
        assert (asked.state, asked.connection_id) == ("pending", "")
        assert asked.url not in repr(asked)
        page = await ada.person.browser.open(asked.url)
        ended = await pressed(ada.person, page, "share-allow", "allow")
        told = query_of(ended.headers["location"])
        assert (told["sharing_request"], told["state"]) == (asked.id, "s t")
        found = await client.connections.sharing_request(user, asked.id)
        assert (found.state, found.connection_id, found.url) == ("completed", ada.connection, "")
        token = await client.connections.token(user, "google", feature=FEATURE)
        assert token.connection_id == ada.connection
        with pytest.raises(Refused) as unknown:
            await client.connections.ask_to_share(user, "google", features=["no_such"])
        assert unknown.value.code == "feature_unknown"
    _, theirs = await app_of(limen, mallory, mode="proxy")
    async with Limen(limen.issuer, theirs, clock=limen.clock) as client:
        with pytest.raises(Refused) as other:  # another app's, of another person
            await client.connections.sharing_request(ME, asked.id)
        assert other.value.code == "sharing_request_not_found"


async def test_a_client_asks_whoever_signs_in(limen: Installation) -> None:
    ada = await connected(limen)
    scope = ("connections:ask", "connections:token")
    known = await limen.client("machine", scope=scope)
    parts = limen.application.runtime.vault

    async def furnish(work: Work) -> None:
        await set_release_policy(work, parts, client_id=known.id, mode="proxy")
        await grant_role(work, principal_id=known.id, role="member", kind="client")

    async with as_client(limen, known) as client:
        with pytest.raises(Unauthorized):  # its service account may not
            await client.connections.ask_to_share(ANYONE, "google", features=[FEATURE])
        await limen.run(furnish)
        asked = await client.connections.ask_to_share(ANYONE, "google", features=[FEATURE])
        page = await ada.person.browser.open(asked.url)
        assert (await pressed(ada.person, page, "share-deny", "deny")).status == 303
        found = await client.connections.sharing_request(ANYONE, asked.id)
        assert (found.state, found.reason) == ("refused", "declined")
        for nobody in (ME, TENANT, subject(ada), Actor("user", id=ada.person.id)):
            with pytest.raises(Unauthorized):
                await client.connections.ask_to_share(nobody, "google", features=[FEATURE])  # type: ignore[arg-type]  # not for these


async def test_who_must_connect_again_is_told_how(limen: Installation) -> None:
    ada, known = await connected(limen), await agent(limen)
    await share(ada, known.id)
    await order(limen, "google", revoke_grants=[ada.account])
    limen.clock.advance(hours=2)
    fresh = (await limen.login(ada.person))["access_token"]
    async with as_client(limen, known) as client:
        with pytest.raises(ReauthRequired) as told:
            await client.connections.token(OnBehalfOf(Secret(fresh)), "google")
        with pytest.raises(Unauthorized):
            await told.value.reconnect()  # an exchange begins nothing in the person's name
    async with Limen(limen.issuer, fresh, clock=limen.clock) as client:
        with pytest.raises(ReauthRequired) as gone:
            await client.connections.token(ME, "google")
        assert gone.value.reason
        assert gone.value.advice
        way = await gone.value.reconnect()
        assert way.url is not None
        page = await ada.person.browser.open(way.url)
        assert page.status == 200, page.text[:500]


async def test_a_provider_that_is_down_is_no_fault_of_the_connection(limen: Installation) -> None:
    ada = await connected(limen)
    limen.clock.advance(hours=2)
    fresh = (await limen.login(ada.person))["access_token"]
    await order(limen, "google", faults={"refresh": [{"kind": "status", "status": 500}]})
    async with Limen(limen.issuer, fresh, clock=limen.clock) as client:
        with pytest.raises(ProviderDown):
            await client.connections.token(ME, "google")
        await order(limen, "google", faults={})
        [shown] = await client.connections.list(ME)
        assert shown.state == "active"


@pytest.mark.parametrize("by", ["owner", "exchange"])
async def test_a_call_refused_with_401_is_made_once_more(limen: Installation, by: str) -> None:
    ada, known = await connected(limen), await agent(limen)
    await share(ada, known.id)
    limen.clock.advance(minutes=2)
    credentials = ClientSecret(known.id, Secret(known.secret)) if by == "exchange" else ada.own
    user = subject(ada) if by == "exchange" else ME
    async with Limen(limen.issuer, credentials, clock=limen.clock) as client:
        auth = ConnectionAuth(
            client.connections, user, "google", at=limen.providers_url, feature=FEATURE
        )
        url = limen.providers_url + CALENDAR
        async with httpx2.AsyncClient(auth=auth) as http:
            assert (await http.get(url)).status_code == 200
            before = (await seen_by(limen, "google"))["calls"]["calendar"]
            await kill_access_token(limen, ada)
            answers = await asyncio.gather(*(http.get(url) for _ in range(5)))
            assert {answer.status_code for answer in answers} == {200}
            seen = (await seen_by(limen, "google"))["calls"]["calendar"]
            assert seen - before <= 10
            # Another connection's end is the provider's answer, and asked for once more at most.
            await order(limen, "google", revoke_grants=[ada.account])
            assert (await http.get(url)).status_code == 401


async def test_aiohttp_sends_it_once_more_and_nowhere_else(limen: Installation) -> None:
    ada = await connected(limen)
    limen.clock.advance(minutes=2)
    async with owner(limen, ada) as client:
        middleware = ConnectionMiddleware(client.connections, ME, "google", at=limen.providers_url)
        async with aiohttp.ClientSession(middlewares=(middleware,)) as http:
            url = limen.providers_url + CALENDAR
            async with http.get(url) as answer:
                assert answer.status == 200
            await kill_access_token(limen, ada)
            async with http.post(url, data=b"a body that is sent twice") as answer:
                assert answer.status == 200
            elsewhere = limen.providers_url.replace("localhost", "127.0.0.1") + CALENDAR
            async with http.get(elsewhere) as answer:
                assert answer.status == 401
                assert "Authorization" not in answer.request_info.headers
    with pytest.raises(ValueError, match="https"):
        ConnectionMiddleware(client.connections, ME, "google", at="http://api.example")


async def test_the_proxy_keeps_the_token(limen: Installation) -> None:
    ada = await connected(limen)
    async with owner(limen, ada) as client:
        asked = Outgoing(
            method="GET", url="https://www.googleapis.com/calendar/v3/users/me/calendarList"
        )
        answer = await client.connections.proxy(ME, "google", asked, feature=FEATURE)
        assert answer.status == 200, answer.body
        assert b"calendar#calendarList" in answer.body
        strange = Outgoing(method="GET", url="https://evil.example/x")
        with pytest.raises(Unauthorized) as refused:
            await client.connections.proxy(ME, "google", strange)
        assert refused.value.code == "proxy_host_refused"


async def test_a_source_of_tokens_is_asked_each_time(limen: Installation) -> None:
    ada = await connected(limen)
    asked: list[dt.datetime] = []

    async def current() -> str:
        asked.append(limen.clock.now())
        return ada.own

    async with Limen(limen.issuer, current, clock=limen.clock) as client:
        await client.connections.list(ME)
        await client.connections.list(ME)
    assert len(asked) == 2
