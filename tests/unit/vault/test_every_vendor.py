"""Every provider of the catalogue, from connecting to disconnecting, at its simulator."""

from __future__ import annotations

import datetime as dt

import pytest

from limen.db.work import Work
from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.load import load_entries
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.errors import Conflict, NotFound
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.simulators.vendor.habits_of import habits_of
from limen.vault.disconnect import disconnect
from tests.vaults import Vault

pytestmark = pytest.mark.anyio

ENTRIES = {name: entry for name, entry in load_entries().items() if entry.features}
REVOCABLE = [name for name, entry in ENTRIES.items() if entry.operations.revoke is not None]


async def register(vault: Vault, provider: str) -> Entry:
    async def furnish(work: Work) -> None:
        new = NewUpstreamClient(
            provider=provider, client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
        )
        await set_upstream_client(work, vault.house.envelope, new=new)

    await vault.house.run(furnish)
    client = {"client_id": CLIENT_ID, "secret": CLIENT_SECRET, "expires": True}
    await vault.simulated.order(provider, clients=[client])
    return ENTRIES[provider]


async def test_a_token_is_had_and_had_again_when_it_has_expired(vault: Vault) -> None:
    for provider in ENTRIES:
        await _is_had_again(vault, provider)


async def _is_had_again(vault: Vault, provider: str) -> None:
    entry = await register(vault, provider)
    ada = await vault.person()
    feature = next(iter(entry.features))
    connection = await vault.connect(ada, provider, features=(feature,))
    shown = await vault.shown(ada, connection)
    assert shown.features == {feature: "active"}
    first = await vault.token(ada, connection)
    seconds = habits_of(provider).access_seconds
    assert (first.expires_at is None) == (seconds is None)
    vault.house.clock.advance(dt.timedelta(seconds=(seconds or 3600) + 1))
    seen = first.generation if seconds is None else None
    again = await vault.token(ada, connection, seen_generation=seen)
    assert again.generation == first.generation + 1
    assert again.raw_access.reveal() != first.raw_access.reveal()
    third = await vault.token(ada, connection, seen_generation=again.generation)
    assert third.generation in {again.generation, again.generation + 1}
    redemptions = (await vault.simulated.seen(provider))["redemptions"].values()
    assert all(count["presented"] == count["accepted"] for count in redemptions)
    rotates = entry.lifetime.rotation in {"single_use", "optional", "replace_keep_old"}
    assert len(redemptions) == (sum(c["accepted"] for c in redemptions) if rotates else 1)


async def test_a_grant_that_the_provider_ended_asks_for_its_person(vault: Vault) -> None:
    for provider in ENTRIES:
        await _asks_for_its_person(vault, provider)


async def _asks_for_its_person(vault: Vault, provider: str) -> None:
    await register(vault, provider)
    ada = await vault.person()
    connection = await vault.connect(ada, provider)
    first = await vault.token(ada, connection)
    account = (await vault.simulated.seen(provider))["accounts"][0]["sub"]
    await vault.simulated.order(provider, revoke_grants=[account])
    vault.house.clock.advance(dt.timedelta(days=120))
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection, seen_generation=first.generation)
    assert (await vault.shown(ada, connection)).state == "reauth_required"


async def test_f20_a_secret_that_expired_changes_no_connection(vault: Vault) -> None:
    for provider in ENTRIES:
        await _stays_as_it_was(vault, provider)


async def _stays_as_it_was(vault: Vault, provider: str) -> None:
    await register(vault, provider)
    ada = await vault.person()
    connection = await vault.connect(ada, provider)
    first = await vault.token(ada, connection)
    await vault.simulated.order(provider, lies={"secret_expired": True})
    vault.house.clock.advance(dt.timedelta(days=120))
    if habits_of(provider).access_seconds is not None:
        with pytest.raises(Exception, match="provider_unavailable"):
            await vault.token(ada, connection, seen_generation=first.generation)
    assert (await vault.shown(ada, connection)).state == "active"


async def test_disconnecting_ends_every_token_at_the_provider(vault: Vault) -> None:
    for provider in REVOCABLE:
        await _is_ended(vault, provider)


async def _is_ended(vault: Vault, provider: str) -> None:
    await register(vault, provider)
    ada = await vault.person()
    connection = await vault.connect(ada, provider)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection, user_id=ada.id),
        actor=ada,
    )
    assert await vault.outbox() == []
    seen = await vault.simulated.seen(provider)
    assert len(seen["revocations"]) > 0
    assert seen["live_access_tokens"] == []
    with pytest.raises(NotFound):
        await vault.token(ada, connection)


async def test_f43_where_nothing_can_be_revoked_the_receipt_says_so(vault: Vault) -> None:
    silent = sorted(ENTRIES.keys() - set(REVOCABLE))
    assert len(silent) > 1
    for provider in silent:
        entry = await register(vault, provider)
        ada = await vault.person()
        connection = await vault.connect(ada, provider)
        await vault.run(
            lambda work, id_=connection, who=ada.id: disconnect(  # type: ignore[misc]  # bound now
                work, vault.parts, connection_id=id_, user_id=who
            ),
            actor=ada,
        )
        assert await vault.outbox() == []
        assert entry.manage_url.startswith("https://")
    receipts = [event.receipt for event in vault.named("connection:grant:revoked")]
    assert receipts == ["no_endpoint"] * len(silent)
