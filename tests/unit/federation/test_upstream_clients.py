"""Several secrets of one client; where they may go; when they end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable
from typing import Any

import pytest

from limen.audit.record import record as audit
from limen.db.work import Work
from limen.federation.catalogue.load import load_entries
from limen.federation.clients.credentials import ClientKey, SharedSecret
from limen.federation.clients.sealed import NewCredential, add_credential, retire_credential
from limen.federation.clients.warn import warn_of_expiry
from limen.federation.describe_provider import (
    Described,
    check_new_client,
    drop_entry,
    put_override,
    put_own_entry,
)
from limen.federation.registry import Catalogue, Providers, Registry
from limen.federation.upstream_clients import (
    NewUpstreamClient,
    UpstreamClient,
    get_upstream_client,
    list_credentials,
    seed_upstream_client,
    set_upstream_client,
    switch_provider,
)
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from limen.kernel.events import Event
from limen.kernel.secret import Secret
from limen.net import Net
from limen.settings.sections import NetSettings
from limen.vault.sharing.check import not_agreed
from limen.vault.store.connections import Shared
from tests.house import House

pytestmark = pytest.mark.anyio
PROVIDERS = Providers()
NET = Net(NetSettings())


def own_entry(**changes: Any) -> dict[str, Any]:
    """A provider of a tenant's own, shaped like X."""
    told = load_entries()["x"].model_dump(by_alias=True, mode="json")
    moved = {name: value for name, value in told.items() if name != "id"}
    text = repr(moved).replace("api.x.com", "api.forge.example").replace("x.com", "forge.example")
    return {"id": "forge", **eval(text), **changes}


def secret(raw: str, **more: Any) -> NewCredential:
    return NewCredential(credential=SharedSecret(raw=Secret(raw)), **more)


async def set_client(house: House, provider: str = "google", raw: str = "one", **more: Any) -> None:
    new = NewUpstreamClient(provider=provider, client_id="us", raw_secret=Secret(raw), **more)
    await house.run(lambda work: set_upstream_client(work, house.envelope, new=new))


async def held(house: House, provider: str = "google") -> list[str]:
    client = await got(house, provider)
    return [
        each.raw.reveal()
        for each in client.at_provider.credentials
        if isinstance(each, SharedSecret)
    ]


async def got(house: House, provider: str) -> UpstreamClient:
    async def body(work: Work) -> UpstreamClient:
        return await get_upstream_client(work, house.envelope, provider=provider)

    return await house.run(body)


async def add(house: House, new: NewCredential, provider: str = "google") -> str:
    return await house.run(
        lambda work: add_credential(work, house.envelope, provider=provider, new=new)
    )


async def describe(house: House, document: dict[str, Any], entry_id: str = "forge") -> None:
    described = Described(id=entry_id, document=document)
    await house.run(
        lambda work: put_own_entry(work, net=NET, providers=PROVIDERS, described=described)
    )


def heard(house: House) -> list[Event]:
    events: list[Event] = []

    async def keep(_: Work, event: Event) -> None:
        events.append(event)

    house.works.recorders = [audit, keep]
    return events


async def test_the_newest_secret_is_tried_first_and_what_ended_last(house: House) -> None:
    await set_client(house)
    house.clock.advance(dt.timedelta(seconds=1))
    soon = house.clock.now() + dt.timedelta(hours=1)
    await add(house, secret("two", expires_at=soon))
    house.clock.advance(dt.timedelta(seconds=1))
    await add(house, secret("three"))
    assert await held(house) == ["three", "two", "one"]
    house.clock.advance(dt.timedelta(hours=2))
    assert await held(house) == ["three", "one", "two"]


async def test_a_secret_is_retired_and_never_the_last(house: House) -> None:
    await set_client(house)
    second = await add(house, secret("two"))
    await house.run(lambda work: retire_credential(work, provider="google", credential_id=second))
    assert await held(house) == ["one"]
    last = (await house.run(lambda work: list_credentials(work, provider="google")))[0].id

    async def retire(credential_id: str) -> None:
        await house.run(
            lambda work: retire_credential(work, provider="google", credential_id=credential_id)
        )

    with pytest.raises(Conflict, match="last_secret"):
        await retire(last)
    with pytest.raises(NotFound, match="client_secret_unknown"):
        await retire(second)
    assert await held(house) == ["one"]


async def test_there_is_an_end_to_secrets_and_one_that_ended_is_none(house: House) -> None:
    await set_client(house)
    for number in range(9):
        await add(house, secret(f"more-{number}"))
    with pytest.raises(Conflict, match="too_many_secrets"):
        await add(house, secret("eleventh"))
    for bad in (secret(""), secret("x", expires_at=house.clock.now())):
        with pytest.raises(InvalidInput):
            await add(house, bad)


async def test_the_environments_secret_is_not_set_over_those_added(house: House) -> None:
    new = NewUpstreamClient(provider="google", client_id="us", raw_secret=Secret("one"))

    async def seed() -> bool:
        return await house.run(lambda work: seed_upstream_client(work, house.envelope, new=new))

    assert await seed()
    await add(house, secret("two"))
    assert not await seed()
    assert set(await held(house)) == {"one", "two"}


async def test_an_end_is_told_a_month_a_week_and_a_day_before_each_once(house: House) -> None:
    await set_client(house)
    events = heard(house)
    start = house.clock.now()
    await add(house, secret("two", expires_at=start + dt.timedelta(days=40)))
    told = []
    before = 0
    for day in (0, 9, 11, 12, 30, 34, 35, 38, 40, 60):
        house.clock.advance(dt.timedelta(days=day - before))
        before = day
        await house.run(warn_of_expiry)
        told += [
            (day, event.days)  # type: ignore[attr-defined]  # of this event
            for event in events
            if event.name == "provider:secret:expiring"
        ]
        events.clear()
    assert told == [(11, 30), (34, 7), (40, 1)]


async def test_who_is_told_of_the_last_day_is_not_told_of_the_week(house: House) -> None:
    await set_client(house, expires_at=house.clock.now() + dt.timedelta(hours=5))
    events = heard(house)
    assert await house.run(warn_of_expiry) == 1
    assert await house.run(warn_of_expiry) == 0
    assert [event.days for event in events] == [1]  # type: ignore[attr-defined]  # as above


async def test_a_key_comes_out_as_it_went_in(house: House) -> None:
    await set_client(house, "microsoft")
    made = await house.run(_key)
    await add(house, made, "microsoft")
    first = (await got(house, "microsoft")).at_provider.credentials[0]
    assert first == made.credential
    kept = (await house.run(lambda work: list_credentials(work, provider="microsoft")))[0]
    assert kept.detail["certificate"] == made.certificate
    assert isinstance(made.credential, ClientKey)
    assert made.credential.raw_pem.reveal().encode() not in kept.sealed


async def _key(work: Work) -> NewCredential:
    from limen.federation.clients.make_key import make_key  # noqa: PLC0415 -- where it is used

    return make_key(name="Limen", now=work.now)


@pytest.mark.parametrize(
    ("provider", "kind", "is_taken"),
    [
        ("google", "secret", True),
        ("google", "assertion", False),
        ("microsoft", "secret", True),
        ("microsoft", "assertion", True),
        ("apple", "secret", False),
        ("apple", "assertion", False),
    ],
)
async def test_a_provider_is_given_only_what_it_takes(
    house: House, provider: str, kind: str, is_taken: bool
) -> None:
    credential = secret("x") if kind == "secret" else await house.run(_key)
    new = NewUpstreamClient(provider=provider, client_id="us", credential=credential)

    async def check(work: Work) -> None:
        await check_new_client(work, net=NET, providers=PROVIDERS, new=new)

    if is_taken:
        await house.run(check)
    else:
        with pytest.raises(InvalidInput, match="client_key_invalid"):
            await house.run(check)


@pytest.mark.parametrize(
    "issuer",
    ["https://[op.example", "ftp://op.example", "https://a@op.example", "https://op.example?x=1"],
)
async def test_an_issuer_that_is_no_address_is_refused(house: House, issuer: str) -> None:
    with pytest.raises(InvalidInput, match="issuer_invalid"):
        await set_client(house, "forge", issuer=issuer)


async def test_n126_a_new_secret_switches_nothing_on(house: House) -> None:
    await set_client(house)
    await house.run(lambda work: switch_provider(work, provider="google", state="disabled"))
    await set_client(house, raw="two")
    new = NewUpstreamClient(provider="google", client_id="us", raw_secret=Secret("three"))
    assert await house.run(lambda work: seed_upstream_client(work, house.envelope, new=new))
    with pytest.raises(NotPermitted, match="provider_disabled"):
        await got(house, "google")
    await house.run(lambda work: switch_provider(work, provider="google", state="enabled"))
    assert await held(house) == ["three"]


async def test_a_client_of_no_provider_is_refused(house: House) -> None:
    async def check(work: Work) -> None:
        new = NewUpstreamClient(provider="nobody", client_id="us", raw_secret=Secret("x"))
        await check_new_client(work, net=NET, providers=PROVIDERS, new=new)

    with pytest.raises(NotFound, match="provider_unknown"):
        await house.run(check)


async def test_an_own_provider_serves_a_client_of_its_own(house: House) -> None:
    await describe(house, own_entry())
    await set_client(house, "forge", raw="forges-own")
    client = await got(house, "forge")
    found = Catalogue(PROVIDERS).get("forge", client.config)
    endpoints = await found.endpoints(NET, now=house.clock.now())
    assert endpoints.exchange.url == "https://api.forge.example/2/oauth2/token"
    assert await held(house, "forge") == ["forges-own"]
    assert Registry(PROVIDERS).find("forge", client.config) is None


async def test_an_own_provider_agrees_to_nothing_in_the_owners_place() -> None:
    asked = ("openid", "email", "drive.full", "offline_access")
    found = PROVIDERS.find("forge", {"entry": own_entry(identity_scopes=asked)})
    assert found is not None
    assert found.facts.identity_scopes == asked
    shared = Shared(mode="raw", features=("files",), scopes=("files.read",))
    assert not_agreed((*asked, "files.read"), shared, provider=found) == ("drive.full",)
    with_it = Shared(mode="raw", features=("files",), scopes=("files.read", "drive.full"))
    assert not_agreed((*asked, "files.read"), with_it, provider=found) == ()
    # What ships was read by us, and says who somebody is.
    github = PROVIDERS.find("github", {})
    assert github is not None
    assert not_agreed(("read:user", "files.read"), shared, provider=github) == ()


async def test_an_own_providers_identities_are_its_own_whatever_issuer_it_claims() -> None:
    def kept_under(**changes: Any) -> str:
        found = PROVIDERS.find("forge", {"entry": own_entry(**changes)})
        assert found is not None
        return found.issuer_of_identities

    entry = own_entry()
    as_google = {**entry["identity"], "issuer": "https://accounts.google.com"}
    assert kept_under(identity=as_google).startswith("urn:limen:provider:forge:")
    elsewhere = {**entry["documents"]["me"], "url": "https://evil.example/me"}
    assert kept_under() != kept_under(documents={"me": elsewhere})


@pytest.mark.parametrize(
    "moved", ["exchange", "refresh", "revoke"], ids=["exchange", "refresh", "revoke"]
)
async def test_a_changed_entry_does_not_get_the_secret_of_before(house: House, moved: str) -> None:
    await describe(house, own_entry())
    await set_client(house, "forge")
    entry = own_entry()
    entry["operations"][moved]["url"] = "https://evil.example/token"
    await describe(house, entry)
    for even_disabled in (False, True):

        async def body(work: Work, even: bool = even_disabled) -> UpstreamClient:
            return await get_upstream_client(
                work, house.envelope, provider="forge", even_disabled=even
            )

        with pytest.raises(NotPermitted, match="provider_client_unbound"):
            await house.run(body)
    await set_client(house, "forge", raw="two")
    assert await held(house, "forge") == ["two"]


@pytest.mark.parametrize("moved", ["public", "document", "api"])
async def test_nor_do_codes_and_tokens_follow_a_changed_entry(house: House, moved: str) -> None:
    await describe(house, own_entry())
    await set_client(house, "forge")
    entry = own_entry()
    match moved:
        case "public":
            entry["operations"]["refresh"] |= {
                "url": "https://evil.example/token",
                "client_auth": "none",
            }
        case "document":
            entry["documents"]["me"]["url"] = "https://evil.example/me"
        case _:
            entry["api"]["hosts"] = ["evil.example"]
    await describe(house, entry)
    with pytest.raises(NotPermitted, match="provider_client_unbound"):
        await got(house, "forge")


@pytest.mark.parametrize("pattern", ["(a+)+b", "a*a*a*a*b", "a?a?a?a?b", "(a|a)*b"])
async def test_an_own_entrys_pattern_keeps_nobody_busy(house: House, pattern: str) -> None:
    value = {"title": "x", "kind": "segment", "pattern": pattern, "default": "a" * 22}
    with pytest.raises(InvalidInput, match="provider_entry") as refused:
        await describe(house, own_entry(values={"site": value}))
    assert refused.value.field == "entry/values/site/pattern"
    value["pattern"] = "[a-z0-9-]+|a{22}\\.b"
    await describe(house, own_entry(values={"site": value}))


async def test_an_entry_never_takes_over_another_client(house: House) -> None:
    await set_client(house, "forge", issuer="https://op.example")
    with pytest.raises(Conflict, match="provider_id_taken"):
        await describe(house, own_entry())


@pytest.mark.parametrize("name", ["google", "x"])
async def test_a_shipped_name_is_no_own_entrys(house: House, name: str) -> None:
    with pytest.raises(Conflict, match="provider_id_taken"):
        await describe(house, own_entry(id=name), entry_id=name)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.forge.example/token",
        "https://169.254.169.254/token",
        "https://10.0.0.7/token",
        "https://metadata.internal/token",
    ],
    ids=range(4),
)
async def test_an_own_entry_leads_to_no_address_inside(house: House, url: str) -> None:
    entry = own_entry()
    entry["operations"]["refresh"]["url"] = url
    with pytest.raises(InvalidInput, match="url_not_allowed"):
        await describe(house, entry)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"operations": {"exchange": {"url": "https://evil.example/token"}}},
        {"api": {"hosts": ["*.evil.example"]}},
        {"identity": {"email_verified": "claim"}},
        {"issuers": ["https://evil.example"]},
        {"values": {"tenant": {"title": "x", "kind": "host", "pattern": ".*"}}},
        {"jwks_uri": "https://evil.example/keys"},
        {"features": {"x": {"title": "X", "scopes": ["unheard-of"]}}},
        {"client_keys": ["assertion"]},
        {"documents": {}},
        {"lifetime": {"rotation": "static", "access_default_seconds": 10**14}},
        {"lifetime": {"rotation": "static", "refresh_ttl": {"kind": "idle", "seconds": 10**14}}},
    ],
    ids=range(12),
)
async def test_an_override_never_says_where_anything_goes(
    house: House, document: dict[str, Any]
) -> None:
    described = Described(id="google", document=document)
    with pytest.raises(InvalidInput, match="provider_entry"):
        await house.run(lambda work: put_override(work, providers=PROVIDERS, described=described))


async def test_an_override_is_in_force_and_the_secret_stays_where_it_was(house: House) -> None:
    await set_client(house)
    document = {
        "title": "Our Google",
        "scopes": {"https://www.googleapis.com/auth/contacts.readonly": {"title": "See contacts"}},
        "features": {
            "contacts": {
                "title": "See contacts",
                "scopes": ["https://www.googleapis.com/auth/contacts.readonly"],
            }
        },
        "without_features": ["gmail_send"],
    }
    described = Described(id="google", document=document)
    await house.run(lambda work: put_override(work, providers=PROVIDERS, described=described))
    client = await got(house, "google")
    found = Catalogue(PROVIDERS).get("google", client.config)
    assert found.title == "Our Google"
    assert "contacts" in found.facts.features
    assert "gmail_send" not in found.facts.features
    endpoints = await found.endpoints(NET, now=house.clock.now())
    assert endpoints.exchange.url == "https://oauth2.googleapis.com/token"
    await house.run(lambda work: drop_entry(work, entry_id="google", kind="override"))
    assert Catalogue(PROVIDERS).get("google", (await got(house, "google")).config).title == "Google"


async def test_an_own_entry_goes_when_it_is_switched_off(house: House) -> None:
    await describe(house, own_entry())
    await set_client(house, "forge")

    def drop() -> Awaitable[None]:
        return house.run(lambda work: drop_entry(work, entry_id="forge", kind="own"))

    with pytest.raises(Conflict, match="provider_in_use"):
        await drop()
    await house.run(lambda work: switch_provider(work, provider="forge", state="disabled"))
    await drop()
    with pytest.raises(NotFound, match="provider_unknown"):
        await drop()
    await house.run(lambda work: switch_provider(work, provider="forge", state="enabled"))
    with pytest.raises(NotPermitted, match="provider_client_unbound"):
        await got(house, "forge")
