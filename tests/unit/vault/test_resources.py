"""One refresh token, several resources: each one's access token is got when somebody asks."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel import failpoints
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.vault.disconnect import disconnect
from limen.vault.endpoints.owner import Caller
from limen.vault.features.show import list_features
from limen.vault.model import Grant
from limen.vault.proxy.prepare import Prepared, ProxiedCall, prepare
from limen.vault.refresh.recover import recover
from limen.vault.release.report import report
from limen.vault.resources.known import seen_for
from limen.vault.resources.store import ResourceToken, find_token
from limen.vault.store.grants import find_grant
from limen.vault.tables import refresh_intents, resource_tokens, upstream_grants
from limen.vault.token_for import Released, Wanted
from tests.unit.vault.test_every_vendor import register
from tests.unit.vault.test_sharing import agree, allow, exchange
from tests.vaults import Vault

pytestmark = pytest.mark.anyio

SHAREPOINT = "contoso.sharepoint.com"
MAIL = "https://outlook.office.com/IMAP.AccessAsUser.All"
BOTH = ("calendar_read", "outlook_imap")
MINUTE = dt.timedelta(seconds=61)


@pytest.fixture(autouse=True)
def harmless_afterwards() -> Iterator[None]:
    yield
    failpoints.disarm()


class Died(BaseException):
    """Stands for the end of the process: nothing catches it on the way."""


def die_at(name: str) -> None:
    def die() -> None:
        failpoints.disarm()
        raise Died

    failpoints.arm([name], die)


async def connected(vault: Vault, *features: str) -> tuple[Actor, str]:
    """Somebody with an account at Microsoft, who agreed to these features."""
    await register(vault, "microsoft")
    await at(vault, SHAREPOINT)
    ada = await vault.person()
    return ada, await vault.connect(ada, "microsoft", features=features or BOTH)


async def at(vault: Vault, host: str) -> None:
    """Say where the organization's SharePoint is."""

    async def furnish(work: Work) -> None:
        new = NewUpstreamClient(
            provider="microsoft",
            client_id=CLIENT_ID,
            raw_secret=Secret(CLIENT_SECRET),
            values={"sharepoint_host": host},
        )
        await set_upstream_client(work, vault.house.envelope, new=new)

    await vault.run(furnish)


async def presented(vault: Vault) -> list[int]:
    """How often each refresh token was sent."""
    told = (await vault.simulated.seen("microsoft"))["redemptions"].values()
    return [each["presented"] for each in told]


async def answers(vault: Vault, path: str, token: Released) -> int:
    found = await vault.simulated.http.get(
        f"{vault.simulated.base_url}/microsoft{path}",
        headers={"authorization": f"Bearer {token.raw_access.reveal()}"},
    )
    return found.status_code


async def rows(vault: Vault, table: sa.Table) -> int:
    counted = sa.select(sa.func.count()).select_from(table)

    async def body(work: Work) -> int:
        return int((await work.execute(counted)).scalar())

    return await vault.run(body)


async def first_grant(work: Work) -> Grant:
    [row] = (await work.execute(sa.select(upstream_grants.c.id))).all()
    grant = await find_grant(work, row[0])
    assert grant is not None
    return grant


async def end_leases(vault: Vault) -> None:
    ended = sa.update(upstream_grants).values(lease_until=None)

    async def body(work: Work) -> None:
        await work.execute(ended)

    await vault.run(body)


async def test_a_resource_has_a_token_of_its_own_and_a_fresh_one_is_not_got_again(
    vault: Vault,
) -> None:
    ada, id_ = await connected(vault)
    graph = await vault.token(ada, id_)
    mail = await vault.token(ada, id_, resource="outlook")
    assert mail.scopes == (MAIL,)
    assert MAIL not in graph.scopes
    assert [await answers(vault, "/v1.0/me", each) for each in (graph, mail)] == [200, 401]
    assert [await answers(vault, "/api/v2.0/me", each) for each in (graph, mail)] == [401, 200]
    again = await vault.token(ada, id_, resource="https://outlook.office.com")
    assert again.raw_access.reveal() == mail.raw_access.reveal()
    assert again.generation == mail.generation
    assert await presented(vault) == [1]
    [told] = vault.named("connection:resource_token:fetched")
    assert (told.resource, told.rotated) == ("outlook", True)
    released = vault.named("connection:token:released")
    assert [(each.resource, each.reader) for each in released[:2]] == [
        ("", f"user:{ada.id}"),
        ("outlook", f"user:{ada.id}"),
    ]


async def test_the_default_resource_is_the_grants_own(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    graph = await vault.token(ada, id_)
    for name in ("graph", "https://graph.microsoft.com"):
        named = await vault.token(ada, id_, resource=name)
        assert named.raw_access.reveal() == graph.raw_access.reveal()
    assert await presented(vault) == []
    with pytest.raises(InvalidInput, match="resource_unknown"):
        await vault.token(ada, id_, resource="https://evil.example")


async def test_of_twenty_who_ask_one_calls(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    got = await asyncio.gather(*(vault.token(ada, id_, resource="outlook") for _ in range(20)))
    assert len({each.raw_access.reveal() for each in got}) == 1
    assert await presented(vault) == [1]


async def test_a_refresh_token_that_comes_with_it_is_kept_and_the_old_one_shown_once(
    vault: Vault,
) -> None:
    ada, id_ = await connected(vault, *BOTH, "sharepoint_read")
    graph = await vault.token(ada, id_)
    mail = await vault.token(ada, id_, resource="outlook")
    site = await vault.token(ada, id_, resource="sharepoint")
    assert site.scopes == (f"https://{SHAREPOINT}/AllSites.Read",)
    vault.house.clock.advance(MINUTE)
    newer = await vault.token(ada, id_, seen_generation=graph.generation)
    assert await presented(vault) == [1, 1, 1]
    assert graph.generation < mail.generation < site.generation < newer.generation
    assert await answers(vault, "/v1.0/me", newer) == 200
    assert (await vault.token(ada, id_, resource="outlook")).generation == mail.generation


async def test_the_grants_own_token_stays_what_its_readers_know(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    before = await vault.token(ada, id_)
    await vault.token(ada, id_, resource="outlook")
    after = await vault.token(ada, id_)
    assert after == before
    assert (await vault.shown(ada, id_)).generation == before.generation
    assert len(vault.named("connection:token:released")) == 2


async def test_what_nobody_agreed_to_is_refused_by_name_and_the_grant_lives_on(
    vault: Vault,
) -> None:
    ada, id_ = await connected(vault, "calendar_read")
    for _ in range(2):
        with pytest.raises(Conflict, match="resource_consent_required"):
            await vault.token(ada, id_, resource="outlook")
    with pytest.raises(Conflict, match="resource_consent_required") as refused:
        await vault.token(ada, id_, resource="outlook")
    assert "outlook" in refused.value.public
    expected = f"/api/v1/oauth/connections/{id_}/features/outlook_imap/activate"
    assert refused.value.ask_at == expected
    assert await presented(vault) == [1]  # believed for a minute
    shown = await vault.shown(ada, id_)
    assert (shown.state, shown.reason) == ("active", "")
    vault.house.clock.advance(dt.timedelta(hours=2))
    assert (await vault.token(ada, id_)).raw_access
    await vault.connect(ada, "microsoft", features=BOTH, connection_id=id_)
    assert (await vault.token(ada, id_, resource="outlook")).scopes == (MAIL,)


async def test_features_of_other_resources_are_on_until_the_provider_says_otherwise(
    vault: Vault,
) -> None:
    ada, id_ = await connected(vault)

    async def standing(name: str) -> str:
        _, shown = await vault.run(
            lambda work: list_features(work, vault.parts, connection_id=id_, owner_id=ada.id)
        )
        return next(each.standing.state for each in shown if each.name == name)

    assert [await standing(name) for name in (*BOTH, "outlook_smtp")] == [
        *("active", "active"),
        "missing",
    ]
    await vault.token(ada, id_, resource="outlook", feature="outlook_imap", scopes=(MAIL,))
    with pytest.raises(Conflict, match="feature_inactive"):
        await vault.token(ada, id_, feature="outlook_imap")
    for wanted in ({"feature": "calendar_read"}, {"scopes": ("Calendars.Read",)}):
        with pytest.raises(Conflict, match=r"feature_inactive|scope_not_granted"):
            await vault.token(ada, id_, resource="outlook", **wanted)
    vault.house.clock.advance(dt.timedelta(hours=2))
    lie = {"token_response": {"scope": "https://outlook.office.com/Other.Read"}}
    await vault.simulated.order("microsoft", lies=lie)
    await vault.token(ada, id_, resource="outlook")
    assert await standing("outlook_imap") == "missing"


POINTS = {"after_claim": 1, "after_answer": 2, "after_journal": 1, "in_commit": 1}
"""Where a process ends, and how often the provider is asked because of it."""


async def test_who_dies_on_the_way_leaves_what_the_next_one_needs(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    for point, calls in POINTS.items():
        before = sum(await presented(vault))
        die_at(f"vault.refresh.{point}")
        with pytest.raises(Died):
            await vault.token(ada, id_, resource="outlook")
        await end_leases(vault)
        mail = await vault.token(ada, id_, resource="outlook")
        assert await answers(vault, "/api/v2.0/me", mail) == 200
        assert (point, sum(await presented(vault)) - before) == (point, calls)
        assert await rows(vault, refresh_intents) == 0
        vault.house.clock.advance(dt.timedelta(hours=2))


async def test_the_journal_knows_what_an_answer_was_for(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    graph = await vault.token(ada, id_)
    die_at("vault.refresh.after_journal")
    with pytest.raises(Died):
        await vault.token(ada, id_, resource="outlook")
    await end_leases(vault)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 1
    assert await vault.token(ada, id_) == graph
    await vault.token(ada, id_, resource="outlook")
    assert sum(await presented(vault)) == 1


ABOUT_ONE: tuple[dict[str, Any], ...] = (
    {"error": "invalid_grant"},
    {"error": "invalid_grant", "error_codes": [700082]},
    {"error": "invalid_grant", "error_codes": [53003]},
    {"error": "invalid_resource", "error_codes": [500011]},
    {"error": "invalid_scope", "error_codes": [70011]},
)


async def test_no_answer_about_one_resource_ends_the_grant(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    nothing = {"access_token": None, "refresh_token": None}
    for answer in ABOUT_ONE:
        await vault.simulated.order("microsoft", lies={"token_response": {**nothing, **answer}})
        with pytest.raises(Conflict, match=r"resource_(refused|consent_required)"):
            await vault.token(ada, id_, resource="outlook")
        await vault.simulated.order("microsoft", lies={"token_response": {}})
        assert (await vault.shown(ada, id_)).state == "active"
        vault.house.clock.advance(dt.timedelta(hours=2))
        assert (await vault.token(ada, id_)).raw_access


async def test_a_grant_that_is_dead_is_found_out_by_its_own_token(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    account = (await vault.run(first_grant)).subject
    await vault.simulated.order("microsoft", revoke_grants=[account])
    with pytest.raises(Conflict, match="resource_refused"):
        await vault.token(ada, id_, resource="outlook")
    assert (await vault.shown(ada, id_)).state == "active"
    await vault.loop()
    assert (await vault.shown(ada, id_)).state == "reauth_required"
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, id_, resource="outlook")


async def test_a_token_for_another_resource_is_never_kept_for_this_one(vault: Vault) -> None:
    ada, id_ = await connected(vault, *BOTH, "sharepoint_read")
    site = f"https://{SHAREPOINT}/AllSites.Read"
    wrong = (f"{MAIL} {site}", f"{MAIL} Calendars.Read", "openid Calendars.Read", "openid", None)
    for scope in wrong:
        await vault.simulated.order("microsoft", lies={"token_response": {"scope": scope}})
        with pytest.raises(Conflict, match="resource_refused"):
            await vault.token(ada, id_, resource="outlook")
        vault.house.clock.advance(MINUTE)
    await vault.simulated.order("microsoft", lies={"token_response": {}})
    assert (await vault.token(ada, id_, resource="sharepoint")).scopes == (site,)
    # What came beside it was kept all the same.
    assert await presented(vault) == [1] * (len(wrong) + 1)


async def test_a_401_of_one_resource_renews_that_one_alone(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    graph = await vault.token(ada, id_)
    mail = await vault.token(ada, id_, resource="outlook")
    vault.house.clock.advance(MINUTE)
    wanted = Wanted(
        connection_id=id_,
        user_id=ada.id,
        reader="",
        resource="outlook",
        seen_generation=mail.generation,
    )
    told = await vault.run(
        lambda work: report(work, vault.parts, wanted=wanted, status=401), actor=ada
    )
    assert (told.advice, told.generation > mail.generation) == ("use_newer", True)
    newer = await vault.token(ada, id_, resource="outlook")
    assert newer.raw_access.reveal() != mail.raw_access.reveal()
    assert await vault.token(ada, id_) == graph


async def test_a_place_that_moved_finds_no_token_of_the_one_before(vault: Vault) -> None:
    ada, id_ = await connected(vault, *BOTH, "sharepoint_read")
    await vault.token(ada, id_, resource="sharepoint")
    await at(vault, "other.sharepoint.com")
    with pytest.raises(Conflict, match="resource_consent_required"):
        await vault.token(ada, id_, resource="sharepoint")


async def test_a_new_consent_forgets_the_tokens_of_before(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    before = await vault.token(ada, id_, resource="outlook")
    vault.house.clock.advance(MINUTE)
    await vault.connect(ada, "microsoft", features=("calendar_read",), connection_id=id_)
    after = await vault.token(ada, id_, resource="outlook")
    assert after.raw_access.reveal() != before.raw_access.reveal()
    assert after.generation > before.generation


async def test_disconnecting_takes_them_all_away(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    await vault.token(ada, id_, resource="outlook")
    assert await rows(vault, resource_tokens) == 1
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=id_, user_id=ada.id), actor=ada
    )
    assert await rows(vault, resource_tokens) == 0
    with pytest.raises(NotFound):
        await vault.token(ada, id_, resource="outlook")


async def test_another_person_finds_none(vault: Vault) -> None:
    _, id_ = await connected(vault)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.token(await vault.person(), id_, resource="outlook")
    assert await presented(vault) == []


async def test_a_client_is_given_what_its_owner_agreed_to_of_that_resource(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    client = await vault.client()
    with pytest.raises(NotPermitted, match="release_not_allowed"):
        await vault.token(ada, id_, client_id=client, resource="outlook")
    await allow(vault, client)
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await vault.token(ada, id_, client_id=client, resource="outlook")
    await agree(vault, ada, id_, client, "calendar_read")
    assert await presented(vault) == []
    assert (await vault.token(ada, id_, client_id=client)).raw_access
    with pytest.raises(NotPermitted, match="release_too_broad"):
        await vault.token(ada, id_, client_id=client, resource="outlook")
    await agree(vault, ada, id_, client, "outlook_imap")
    audience = f"urn:limen:connection:{id_}"
    handed = await exchange(vault, ada, client, audience, resource="https://outlook.office.com")
    own = await vault.token(ada, id_, resource="outlook")
    assert handed.raw.reveal() == own.raw_access.reveal()
    assert handed.scope == (MAIL,)


async def send(vault: Vault, ada: Actor, id_: str, host: str, client: str = "") -> Prepared:
    wanted = Caller(owner_id=ada.id, client_id=client, reader="").wanted(id_)
    call = ProxiedCall(reader="", method="GET", host=host, path="/x", query="")
    return await vault.run(lambda work: prepare(work, vault.parts, wanted=wanted, call=call))


async def test_the_proxy_sends_each_host_its_own_token(vault: Vault) -> None:
    ada, id_ = await connected(vault, *BOTH, "sharepoint_read")
    hosts = {"graph.microsoft.com": "", "outlook.office.com": "outlook", SHAREPOINT: "sharepoint"}
    for host, resource in hosts.items():
        made = await send(vault, ada, id_, host)
        own = await vault.token(ada, id_, resource=resource)
        assert made.released.raw_access.reveal() == own.raw_access.reveal()
        assert made.api.hosts == (host,)
    for host in ("evil.sharepoint.com", f"x.{SHAREPOINT}", "office.com"):
        with pytest.raises(NotPermitted, match="proxy_host_refused"):
            await send(vault, ada, id_, host)


async def test_the_proxy_lets_a_client_to_what_its_owner_agreed_to(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    client = await vault.client()
    await allow(vault, client, "proxy")
    await agree(vault, ada, id_, client, "outlook_imap")
    assert (await send(vault, ada, id_, "outlook.office.com", client)).released.scopes == (MAIL,)
    with pytest.raises(NotPermitted, match="release_too_broad"):
        await send(vault, ada, id_, "graph.microsoft.com", client)
    await agree(vault, ada, id_, client, "calendar_read")
    with pytest.raises(NotPermitted, match="release_too_broad"):
        await send(vault, ada, id_, "outlook.office.com", client)


async def test_a_token_put_in_the_place_of_another_resources_does_not_open(vault: Vault) -> None:
    ada, id_ = await connected(vault, *BOTH, "sharepoint_read")
    await vault.token(ada, id_, resource="outlook")
    _t = resource_tokens.c
    forged = sa.update(resource_tokens).values(
        resource="sharepoint", audience=f"https://{SHAREPOINT}"
    )

    async def forge(work: Work) -> None:
        await work.execute(sa.delete(resource_tokens).where(_t.resource == "sharepoint"))
        await work.execute(forged)

    await vault.run(forge)
    with pytest.raises(SealBroken):
        await vault.token(ada, id_, resource="sharepoint")


async def test_where_a_refresh_ends_earlier_tokens_they_are_got_anew(vault: Vault) -> None:
    ada, id_ = await connected(vault)
    mail = await vault.token(ada, id_, resource="outlook")
    vault.house.clock.advance(MINUTE)
    await vault.token(ada, id_, seen_generation=1)

    async def body(work: Work) -> tuple[Grant, ResourceToken]:
        grant = await first_grant(work)
        token = await find_token(work, grant.id, "outlook")
        assert token is not None
        return grant, token

    grant, token = await vault.run(body)
    resource = vault.parts.catalogue.get("microsoft", {}).facts.resources["outlook"]
    as_it_is, as_if = (
        seen_for(grant, name="outlook", resource=resource, token=token, kills=kills)
        for kills in (False, True)
    )
    assert as_it_is.sealed_access is not None
    assert as_it_is.token_generation == mail.generation < grant.generation
    assert as_if.sealed_access is None
