"""Credentials of people's own: proved before they are kept, used, ended."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime as dt
import functools
import json
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.encoders import jsonable_encoder

from limen.audit.tables import audit_events
from limen.crypto.tables import sealing_keys
from limen.db.work import Work
from limen.federation.describe_provider import check_new_client
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    NotPermitted,
    ProviderUnavailable,
)
from limen.kernel.secret import Secret
from limen.signin.with_provider import provider_buttons
from limen.vault.connect import WantedConnection, check_wanted
from limen.vault.disconnect import disconnect
from limen.vault.erasing.erase import erase_person, list_erasures
from limen.vault.erasing.export import export
from limen.vault.erasing.preview import preview
from limen.vault.listing import list_providers
from limen.vault.model import TENANT_OWNER
from limen.vault.sealing import key_name
from limen.vault.sharing.consents import Wish, share
from limen.vault.sharing.policy import set_release_policy
from limen.vault.tables import connections, upstream_grants
from tests.giving import (
    ADAS_KEY,
    ADAS_PAIR,
    GRACES_KEY,
    KEY,
    ROBOT,
    Giving,
    giving,
    key_file,
)
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
__all__ = ["giving"]
HOUR = dt.timedelta(hours=1, minutes=5)
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"


async def count(giving: Giving) -> int:
    [(found,)] = await giving.columns(sa.func.count(upstream_grants.c.id))
    return int(found)


async def test_a_key_is_kept_once_its_provider_takes_it(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    shown = await vault.shown(ada, id_)
    assert (shown.kind, shown.provider, shown.state) == ("api_key", "notion", "active")
    assert shown.label == "Analytical Engine"
    assert shown.verified_at is not None
    assert vault.house.clock.now() - shown.verified_at < dt.timedelta(seconds=1)
    assert shown.features == {"api": "active"}
    assert shown.manage_url == "https://www.notion.so/my-integrations"
    [event] = vault.named("connection:credential:given")
    assert (event.connection_id, event.kind, event.scopes) == (id_, "api_key", ())
    assert await giving.calls("notion") == {"me": 1}


@pytest.mark.parametrize("told", [KEY, {"kind": "basic", **ADAS_PAIR}], ids=["key", "pair"])
async def test_each_kind_is_sent_as_the_entry_says(
    vault: Vault, giving: Giving, told: dict[str, Any]
) -> None:
    ada = await vault.person()
    shown = await vault.shown(ada, await giving.give(ada, "keyring", **told))
    assert (shown.kind, shown.label) == (told["kind"], "key-ada")


async def test_a_key_that_travels_in_the_query(vault: Vault, giving: Giving) -> None:
    base = f"{vault.simulated.base_url}/keyring"
    rule = {"title": "Key", "verify": {"url": f"{base}/me", "label": ["/account"]}}
    # As the simulated vendor reads it, whose own entry has it in a header.
    await giving.describe(
        credentials={"api_key": {**rule, "header": "X-Keyring-Key", "prefix": ""}}
    )
    ada = await vault.person()
    assert await giving.give(ada, "keyring")
    await giving.describe(credentials={"api_key": {**rule, "query": "key"}})
    with pytest.raises(InvalidInput, match="credential_refused"):
        await giving.give(ada, "keyring")  # it came in the query, where nobody looked


async def test_f36_what_is_refused_is_not_kept(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    with pytest.raises(InvalidInput, match="credential_refused") as refused:
        await giving.give(ada, kind="api_key", key="secret_canary")
    assert "canary" not in f"{refused.value.public} {refused.value.detail} {refused.value.field}"
    assert await count(giving) == 0
    [event] = vault.named("connection:credential:not_taken")
    assert (event.provider, event.kind, event.connection_id) == ("notion", "api_key", "")


UNPROVEN: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 302},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 429, "retry_after": 30},
    {"kind": "html", "status": 200},
    {"kind": "array"},
    {"kind": "huge"},
    {"kind": "drop_before"},
)


async def test_f18_what_proves_nothing_keeps_nothing(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    await vault.simulated.order("notion", faults={"me": list(UNPROVEN)})
    for _ in UNPROVEN:
        with pytest.raises(ProviderUnavailable, match="credential_unproven"):
            await giving.give(ada)
    assert await count(giving) == 0
    assert await giving.calls("notion") == {"me": len(UNPROVEN)}
    assert vault.named("connection:credential:not_taken") == []


async def test_nor_where_nobody_says_whose_it_is(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    proof = {"url": f"{vault.simulated.base_url}/keyring/me"}
    await giving.describe(credentials={"basic": {"title": "Pair", "verify": proof}})
    faults = [each for each in UNPROVEN if each["kind"] in {"status", "html"}]
    await vault.simulated.order("keyring", faults={"api": faults})
    for _ in faults:
        with pytest.raises(ProviderUnavailable, match="credential_unproven"):
            await giving.give(ada, "keyring", kind="basic", **ADAS_PAIR)
    id_ = await giving.give(ada, "keyring", kind="basic", **ADAS_PAIR)
    assert (await vault.shown(ada, id_)).label == "ada"


async def test_a_provider_takes_the_kinds_its_entry_names(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    with pytest.raises(InvalidInput, match="credential_kind_unknown"):
        await giving.give(ada, "notion", kind="basic", **ADAS_PAIR)
    with pytest.raises(InvalidInput, match="feature_unknown"):
        await giving.give(ada, features=("content_read",))
    with pytest.raises(InvalidInput, match="credential_invalid"):
        await giving.give(ada, "keyring", kind="basic", username="ada")
    with pytest.raises(NotFound, match="provider_unknown"):
        await giving.give(ada, "hubspot")
    assert await giving.calls("notion") == {}


async def test_a_service_account_is_given_tokens(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    private = await giving.robot()
    told: dict[str, Any] = {"kind": "service_account", "service_account": key_file(private)}
    id_ = await giving.give(ada, "google", features=("calendar_read",), **told)
    shown = await vault.shown(ada, id_)
    assert (shown.label, shown.scopes) == (ROBOT, (CALENDAR,))
    assert shown.features == {"calendar_read": "active"}
    first = await vault.token(ada, id_, feature="calendar_read")
    assert (first.generation, first.kind) == (1, "service_account")
    assert first.seconds_left(vault.house.clock.now()) in {3599, 3600}
    vault.house.clock.advance(HOUR)
    assert await vault.loop() == 1
    second = await vault.token(ada, id_)
    assert (second.generation, second.raw_access == first.raw_access) == (2, False)
    assert await giving.calls("google") == {"service_account": 2}


async def test_it_speaks_for_whom_it_may(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    private = await giving.robot("ada@example.test")
    told: dict[str, Any] = {"kind": "service_account", "service_account": key_file(private)}
    id_ = await giving.give(ada, "google", on_behalf_of="ada@example.test", **told)
    assert (await vault.shown(ada, id_)).label == f"{ROBOT} as ada@example.test"
    with pytest.raises(InvalidInput, match="credential_refused"):
        await giving.give(ada, "google", on_behalf_of="grace@example.test", **told)
    await giving.describe(
        credentials={
            "service_account": {
                "title": "Account",
                "token": {"url": f"{vault.simulated.base_url}/keyring/token"},
            }
        }
    )
    with pytest.raises(InvalidInput, match="credential_invalid"):
        await giving.give(ada, "keyring", on_behalf_of="ada@example.test", **told)


async def test_an_assertion_is_signed_anew_for_each_token(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    private = await giving.robot(provider="keyring")
    told: dict[str, Any] = {"kind": "service_account", "service_account": key_file(private)}
    id_ = await giving.give(ada, "keyring", **told)  # which refuses to read one twice
    vault.house.clock.advance(HOUR)
    assert (await vault.token(ada, id_)).generation == 2


async def test_a_client_of_ones_own_is_given_tokens(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    client = {"client_id": "adas", "secret": "adas-secret"}
    await vault.simulated.order("spotify", clients=[client])
    told: dict[str, Any] = {
        "kind": "client_credentials",
        "client_id": "adas",
        "client_secret": "adas-secret",
    }
    id_ = await giving.give(ada, "spotify", **told)
    shown = await vault.shown(ada, id_)
    assert (shown.label, shown.scopes, shown.features) == ("adas", (), {"api": "active"})
    first = await vault.token(ada, id_)
    newer = await vault.token(ada, id_, seen_generation=1)
    assert newer.generation == 1  # so new that asking again could not help
    vault.house.clock.advance(dt.timedelta(minutes=1))
    newer = await vault.token(ada, id_, seen_generation=1)
    assert (newer.generation, newer.raw_access == first.raw_access) == (2, False)
    assert await giving.calls("spotify") == {"client_credentials": 2}


async def test_f1_twenty_readers_make_one_call(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    await vault.simulated.order("spotify", clients=[{"client_id": "adas", "secret": "s"}])
    told: dict[str, Any] = {"kind": "client_credentials", "client_id": "adas", "client_secret": "s"}
    id_ = await giving.give(ada, "spotify", **told)
    vault.house.clock.advance(HOUR)
    await vault.simulated.order("spotify", lies={"latency_seconds": 0.1})
    released = await asyncio.gather(*(vault.token(ada, id_) for _ in range(20)))
    assert {each.generation for each in released} == {2}
    assert await giving.calls("spotify") == {"client_credentials": 2}


async def test_lasting_credentials_do_not_leave(vault: Vault, giving: Giving) -> None:
    ada, client = await vault.person(), await vault.client()
    id_ = await giving.give(ada)
    with pytest.raises(NotPermitted, match="credential_by_proxy_only"):
        await vault.token(ada, id_)
    wish = Wish(connection_id=id_, client_id=client, features=("api",), mode="raw")
    await vault.run(lambda work: share(work, vault.parts, owner_id=ada.id, wish=wish), actor=ada)
    await vault.run(
        lambda work: set_release_policy(work, vault.parts, client_id=client, mode="raw")
    )
    with pytest.raises(NotPermitted, match="credential_by_proxy_only"):
        await vault.token(ada, id_, client_id=client)
    assert vault.named("connection:token:released") == []


async def test_but_where_a_tenants_entry_lets_them(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    proof = {"url": f"{vault.simulated.base_url}/keyring/me"}
    rule = {"title": "Pair", "verify": proof, "release": "raw"}
    await giving.describe(credentials={"basic": rule})
    id_ = await giving.give(ada, "keyring", kind="basic", **ADAS_PAIR)
    released = await vault.token(ada, id_)
    pair = base64.b64decode(released.raw_access.reveal()).decode()
    assert (released.kind, pair) == ("basic", ":".join(ADAS_PAIR.values()))
    with pytest.raises(NotPermitted, match="credential_by_proxy_only"):
        await vault.token(ada, id_, token_only=True)  # as token exchange asks


async def test_a_key_in_the_place_of_a_name_is_kept_sealed_alone(
    vault: Vault, giving: Giving
) -> None:
    ada = await vault.person()
    key = "simulated-key-in-place-of-a-name"
    proof = {"url": f"{vault.simulated.base_url}/keyring/me"}
    rule = {"title": "Key", "verify": proof, "may_omit_password": True}
    await giving.describe(credentials={"basic": rule})
    await vault.simulated.order("keyring", keys={f"{key}:": {"sub": "key-ada"}})
    id_ = await giving.give(ada, "keyring", kind="basic", username=key)
    assert (await vault.shown(ada, id_)).label == "Key"
    assert await giving.columns(upstream_grants.c.subject) == [("",)]


async def test_the_same_key_of_two_people_is_two_credentials(vault: Vault, giving: Giving) -> None:
    ada, grace = await vault.person(), await vault.person()
    mine, theirs = await giving.give(ada), await giving.give(grace)
    parts = vault.parts
    told = await vault.run(
        lambda work: preview(work, parts, connection_id=mine, owner_id=ada.id), actor=ada
    )
    assert (told.others, told.also, told.at_provider) == (0, (), "no_endpoint")
    await vault.run(
        lambda work: disconnect(work, parts, connection_id=mine, user_id=ada.id), actor=ada
    )
    assert await giving.verify(grace, theirs)


async def test_an_application_gives_none_in_its_users_name(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    app = dataclasses.replace(ada, client_id="app", scope=frozenset({"connections:connect"}))
    machine = dataclasses.replace(app, kind="client", id="app")
    own_key = dataclasses.replace(app, client_id="")
    with pytest.raises(NotPermitted, match="first_party_only"):
        await giving.give(app)
    with pytest.raises(NotPermitted, match="user_required"):
        await giving.give(machine)
    assert await giving.give(own_key)
    assert await giving.calls("notion") == {"me": 1}


async def test_the_tenants_are_given_by_administrators(vault: Vault, giving: Giving) -> None:
    ada, admin = await vault.person(), await vault.administrator()
    with pytest.raises(NotPermitted):
        await giving.give(ada, for_tenant=True)
    id_ = await giving.give(admin, for_tenant=True)
    await vault.demote(admin)
    with pytest.raises(NotPermitted):
        await giving.rotate(admin, id_, owner_id=TENANT_OWNER, **KEY)
    with pytest.raises(NotFound):
        await vault.shown(admin, id_)  # it is not theirs
    [(owner,)] = await giving.columns(connections.c.belongs_to)
    assert owner == "tenant"


async def test_a_provider_without_a_client_of_ours_takes_credentials(
    vault: Vault, giving: Giving
) -> None:
    parts = vault.parts
    providers = parts.catalogue.providers

    async def check(work: Work, new: NewUpstreamClient) -> None:
        await check_new_client(work, net=parts.net, providers=providers, new=new)
        await set_upstream_client(work, vault.house.envelope, new=new)

    bare = NewUpstreamClient(provider="hubspot", client_id="", credentials_only=True)
    secret = Secret("ours")
    for new, code in (
        (bare, "credential_kind_unknown"),
        (dataclasses.replace(bare, provider="github", client_id="ours"), "client_id_invalid"),
        (dataclasses.replace(bare, provider="github", raw_secret=secret), "client_id_invalid"),
        (
            NewUpstreamClient(provider="keyring", client_id="ours", raw_secret=secret),
            "client_key_invalid",
        ),
        (
            NewUpstreamClient(provider="github", client_id="", raw_secret=secret),
            "client_id_invalid",
        ),
    ):
        with pytest.raises(InvalidInput, match=code):
            await vault.run(functools.partial(check, new=new))


async def test_n243_another_persons_is_no_connection(vault: Vault, giving: Giving) -> None:
    ada, grace = await vault.person(), await vault.person()
    id_ = await giving.give(ada)
    with pytest.raises(NotFound, match="connection_not_found"):
        await giving.verify(grace, id_)
    with pytest.raises(NotFound, match="connection_not_found"):
        await giving.rotate(grace, id_, **KEY)
    assert await giving.calls("notion") == {"me": 1}


async def test_nobody_is_sent_where_we_have_no_client(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    with pytest.raises(NotPermitted, match="provider_takes_credentials"):
        await vault.leave(ada, "github")
    with pytest.raises(NotPermitted, match="provider_takes_credentials"):
        await vault.leave(ada, "keyring")
    asked = WantedConnection(provider="github")
    with pytest.raises(NotPermitted, match="provider_takes_credentials"):
        await vault.run(lambda work: check_wanted(work, vault.parts, wanted=asked), actor=ada)
    buttons = await vault.run(provider_buttons(vault.parts.federation))
    assert "github" not in {each.id for each in buttons}
    found = await vault.run(lambda work: list_providers(work, vault.parts))
    asks = {each.id: (each.asks, sorted(each.credentials)) for each in found}
    assert asks["github"] == (False, ["api_key"])
    assert asks["google"] == (True, ["service_account"])
    assert asks["keyring"][0] is False
    id_ = await giving.give(ada)
    with pytest.raises(InvalidInput, match="credential_kind_mismatch"):
        await vault.leave(ada, "notion", connection_id=id_)


async def test_s_a_key_goes_to_the_hosts_it_was_given_for(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada, "keyring")
    await giving.describe(api={"hosts": ["api.keyring.example", "evil.example"]})
    with pytest.raises(NotPermitted, match="credential_unbound"):
        await giving.verify(ada, id_)
    await giving.rotate(ada, id_, **KEY)  # given again, for these
    assert await giving.verify(ada, id_)


async def test_what_ends_is_shredded(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada, "keyring", kind="basic", **ADAS_PAIR)
    other = await giving.give(ada, "github")
    [grant_id] = [
        grant
        for connection, grant in await giving.columns(connections.c.id, connections.c.grant_id)
        if connection == id_
    ]
    parts = vault.parts
    event = await vault.run(
        lambda work: disconnect(work, parts, connection_id=id_, user_id=ada.id), actor=ada
    )
    assert not event.revoked
    await vault.run(lambda work: erase_person(work, parts, user_id=ada.id), actor=ada)
    rows = await giving.columns(
        upstream_grants.c.id,
        upstream_grants.c.state,
        upstream_grants.c.sealed_access,
        upstream_grants.c.subject,
    )
    assert {row[1:] for row in rows} == {("erased", None, "")}
    names = [name for (name,) in await giving.columns(sealing_keys.c.name)]
    assert key_name(grant_id) not in names
    assert [name for name in names if name.startswith("upstream-grant/")] == []
    [record] = await vault.run(lambda work: list_erasures(work, user_id=ada.id))
    assert record.is_done
    assert {each.unsent for each in record.receipts} == {"revoked_by_hand"}
    assert await vault.outbox() == []
    assert other in record.erasure.connections


async def test_n277_secrets_stand_nowhere_in_clear(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    private = await giving.robot()
    await giving.give(ada, "keyring", kind="basic", **ADAS_PAIR)
    await giving.give(ada)
    account = key_file(private)
    await giving.give(ada, "google", kind="service_account", service_account=account)
    secrets = [ADAS_KEY, ADAS_PAIR["password"], private[40:90]]

    async def dump(work: Work) -> str:
        told = await export(work, vault.parts, user_id=ada.id, with_secrets=False)
        return json.dumps(jsonable_encoder(told))

    everything = [
        *await giving.columns(*upstream_grants.c),
        *await giving.columns(*connections.c),
        *await giving.columns(*audit_events.c),
        *vault.events,
        await vault.run(dump, actor=ada),
    ]
    text = repr(everything)
    assert [each for each in secrets if each in text] == []

    async def with_secrets(work: Work) -> dict[str, Any]:
        return await export(work, vault.parts, user_id=ada.id, with_secrets=True)

    told = await vault.run(with_secrets, actor=ada)
    given = {each["kind"]: each.get("credential") for each in told["connections"]}
    assert given["basic"] == ADAS_PAIR
    assert given["api_key"] == {"key": ADAS_KEY}
    assert given["service_account"]["private_key"] == private


async def test_there_is_an_end_to_how_many(
    vault: Vault, giving: Giving, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, grace = await vault.person(), await vault.person()
    monkeypatch.setattr("limen.vault.giving.give._MOST", 2)
    for _ in range(2):
        await giving.give(ada, key=ADAS_KEY, kind="api_key")
    with pytest.raises(Conflict, match="too_many_connections"):
        await giving.give(ada)
    assert await giving.give(grace, key=GRACES_KEY, kind="api_key")
