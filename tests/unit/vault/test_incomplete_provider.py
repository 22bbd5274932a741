"""A provider's entry is changed to want more than its client says: said then, and typed afterwards."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from limen.admin.api.upstream_providers.show import list_providers as list_all
from limen.admin.api.upstream_providers.show import show_provider
from limen.db.work import Work
from limen.federation.clients.record import ClientState
from limen.federation.describe_provider import Described, put_own_entry
from limen.federation.upstream_clients import (
    NewUpstreamClient,
    set_upstream_client,
    switch_provider,
)
from limen.kernel.actor import OPERATOR, Actor
from limen.kernel.errors import Conflict, NotPermitted
from limen.kernel.secret import Secret
from limen.signin.with_provider import provider_buttons
from limen.vault.disconnect import disconnect
from limen.vault.listing import list_connections, list_providers
from limen.vault.tables import connections, upstream_grants
from tests.simulated import ADA, GRACE
from tests.unit.federation.test_upstream_clients import own_entry
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
WANTED = {"title": "Team", "kind": "segment", "pattern": "[a-z]+"}


def wanting_more() -> dict[str, Any]:
    """The same provider, whose refreshes are by team now."""
    entry = own_entry()
    entry["values"] = {"team": WANTED}
    entry["operations"]["refresh"]["url"] += "/{team}"
    return entry


async def describe(vault: Vault, entry: dict[str, Any]) -> None:
    parts = vault.parts
    described = Described(id="forge", document=entry)

    async def body(work: Work) -> None:
        providers = parts.catalogue.providers
        await put_own_entry(work, net=parts.net, providers=providers, described=described)

    await vault.run(body, actor=OPERATOR)


async def set_client(vault: Vault, **values: str) -> None:
    new = NewUpstreamClient(
        provider="forge", client_id="us", raw_secret=Secret("one"), values=values
    )
    await vault.run(
        lambda work: set_upstream_client(work, vault.house.envelope, new=new), actor=OPERATOR
    )


async def switch(vault: Vault, state: ClientState) -> None:
    await vault.run(
        lambda work: switch_provider(work, provider="forge", state=state), actor=OPERATOR
    )


async def change_although_it_is_used(vault: Vault) -> None:
    """As a release of ours, or whoever switched it off in between, would have left it."""
    await switch(vault, "disabled")
    await describe(vault, wanting_more())
    await switch(vault, "enabled")


async def connected(vault: Vault) -> tuple[Actor, str, str]:
    """A person with two connections: one at the provider of the tenant's own, one elsewhere."""
    ada = await vault.person()
    theirs, other = await vault.connect(ada, account=ADA), await vault.connect(ada, account=GRACE)
    mine = sa.select(connections.c.grant_id).where(connections.c.id == sa.bindparam("theirs"))
    moves = (
        sa.update(upstream_grants)
        .where(upstream_grants.c.id.in_(mine.scalar_subquery()))
        .values(provider="forge", upstream_client_id="us"),
        sa.update(connections)
        .where(connections.c.id == sa.bindparam("theirs"))
        .values(provider="forge"),
    )

    async def body(work: Work) -> None:
        for move in moves:
            await work.execute(move, theirs=theirs)

    await vault.run(body)
    return ada, theirs, other


async def test_a_change_that_the_client_does_not_fit_is_refused_and_says_why(vault: Vault) -> None:
    await describe(vault, own_entry())
    await set_client(vault)
    with pytest.raises(Conflict, match="provider_client_unfit") as refused:
        await describe(vault, wanting_more())
    assert "Team" in refused.value.public
    with_default = wanting_more()
    with_default["values"]["team"] = {**WANTED, "default": "all"}
    await describe(vault, with_default)
    # Off first, then the entry, its client, and on again.
    await switch(vault, "disabled")
    await describe(vault, wanting_more())
    await set_client(vault, team="red")
    await switch(vault, "enabled")
    with pytest.raises(Conflict, match="provider_client_unfit") as refused:
        await describe(vault, own_entry())  # and back: what the client says means nothing there
    assert "team" in refused.value.public


async def test_a_change_to_a_proof_that_the_client_has_not_is_refused(vault: Vault) -> None:
    await describe(vault, own_entry())
    await set_client(vault)
    keyed = own_entry()
    keyed["client_keys"] = ["assertion"]
    with pytest.raises(Conflict, match="provider_client_unfit") as refused:
        await describe(vault, keyed)
    assert "assertion" in refused.value.public


async def test_connections_there_say_so_and_the_others_are_as_before(vault: Vault) -> None:
    await describe(vault, own_entry())
    await set_client(vault)
    ada, theirs, other = await connected(vault)
    await change_although_it_is_used(vault)
    shown = {
        each.id: each
        for each in await vault.run(
            lambda work: list_connections(work, vault.parts, user_id=ada.id), actor=ada
        )
    }
    assert (shown[theirs].state, shown[theirs].reason) == ("active", "provider_incomplete")
    assert "administrator" in shown[theirs].advice
    assert (shown[other].state, shown[other].reason) == ("active", "")
    with pytest.raises(NotPermitted, match="provider_incomplete"):
        await vault.token(ada, theirs)
    assert (await vault.token(ada, other)).generation == 1
    offered = await vault.run(lambda work: list_providers(work, vault.parts))
    assert {each.id for each in offered} == {"google", "notion"}
    buttons = await vault.run(provider_buttons(vault.parts.federation))
    assert "forge" not in {each.id for each in buttons}


async def test_what_is_due_there_waits_and_is_ended_by_whose_it_is(vault: Vault) -> None:
    await describe(vault, own_entry())
    await set_client(vault)
    ada, theirs, other = await connected(vault)
    await change_although_it_is_used(vault)
    vault.house.clock.advance(dt.timedelta(hours=2))
    assert await vault.loop() == 2
    assert (await vault.shown(ada, other)).generation == 2
    assert (await vault.shown(ada, theirs)).state == "active"
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=theirs, user_id=ada.id), actor=ada
    )
    listed = await vault.run(lambda work: list_connections(work, vault.parts, user_id=ada.id))
    assert [each.id for each in listed] == [other]


async def test_an_administrator_sees_it_and_what_it_lacks(vault: Vault) -> None:
    providers = vault.parts.catalogue.providers
    await describe(vault, wanting_more())  # without a client: to be set with a team
    listed = await vault.run(lambda work: list_all(work, providers))
    [forge] = [each for each in listed if each.id == "forge"]
    assert (forge.source, forge.connects, "Team" in forge.lacks) == ("own", False, True)
    shown = await vault.run(lambda work: show_provider(work, providers, provider="forge"))
    assert shown.entry is not None
    assert shown.entry["values"]["team"]["title"] == "Team"
    await set_client(vault, team="red")
    whole = await vault.run(lambda work: show_provider(work, providers, provider="forge"))
    assert (whole.lacks, whole.connects) == ("", True)
