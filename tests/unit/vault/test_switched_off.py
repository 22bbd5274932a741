"""A provider that an administrator switched off gives nobody a token, fresh or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from limen.federation.clients.record import ClientState
from limen.federation.upstream_clients import switch_provider
from limen.kernel.actor import OPERATOR, Actor
from limen.kernel.errors import NotPermitted
from limen.vault.erasing.export import export
from limen.vault.model import TENANT_OWNER
from limen.vault.proxy.prepare import ProxiedCall, prepare
from limen.vault.release.report import report
from limen.vault.sharing.consents import Wish, share
from limen.vault.sharing.policy import set_release_policy
from limen.vault.token_for import Wanted
from tests.simulated import ADA
from tests.statements_seen import StatementsSeen
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
Entrance = Callable[[Vault, Actor, str], Awaitable[Any]]


async def switch(vault: Vault, state: ClientState) -> None:
    await vault.run(
        lambda work: switch_provider(work, provider="google", state=state), actor=OPERATOR
    )


async def _as_owner(vault: Vault, actor: Actor, id_: str) -> Any:
    return await vault.token(actor, id_)


async def _newer(vault: Vault, actor: Actor, id_: str) -> Any:
    return await vault.token(actor, id_, seen_generation=1)


async def _as_client(vault: Vault, actor: Actor, id_: str) -> Any:
    client = await vault.client()
    wish = Wish(connection_id=id_, client_id=client, features=("calendar_read",), mode="raw")
    await vault.run(
        lambda work: set_release_policy(work, vault.parts, client_id=client, mode="raw")
    )
    await vault.run(
        lambda work: share(work, vault.parts, owner_id=actor.id, wish=wish), actor=actor
    )
    return await vault.token(actor, id_, client_id=client)


async def _by_report(vault: Vault, actor: Actor, id_: str) -> Any:
    wanted = Wanted(connection_id=id_, user_id=actor.id, reader="", use="look")
    return await vault.run(lambda work: report(work, vault.parts, wanted=wanted, status=403))


async def _by_proxy(vault: Vault, actor: Actor, id_: str) -> Any:
    wanted = Wanted(connection_id=id_, user_id=actor.id, reader="")
    call = ProxiedCall(
        reader="", method="GET", host="www.googleapis.com", path="/calendar/v3/x", query=""
    )
    return await vault.run(lambda work: prepare(work, vault.parts, wanted=wanted, call=call))


@pytest.mark.parametrize(
    "entrance",
    [_as_owner, _newer, _as_client, _by_report, _by_proxy],
    ids=lambda each: each.__name__,
)
async def test_n126_a_switched_off_provider_gives_no_token(
    vault: Vault, entrance: Entrance
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    assert (await vault.token(ada, connection_id)).generation == 1
    await switch(vault, "disabled")
    with pytest.raises(NotPermitted, match="provider_disabled"):
        await entrance(vault, ada, connection_id)
    await switch(vault, "enabled")
    vault.house.clock.advance(dt.timedelta(minutes=2))
    assert await entrance(vault, ada, connection_id)


async def test_n126_nor_the_tenants_own(vault: Vault) -> None:
    admin = await vault.administrator()
    connection_id = await vault.connect(admin, account=ADA, for_tenant=True)
    wanted = Wanted(connection_id=connection_id, user_id=TENANT_OWNER, reader="")
    await switch(vault, "disabled")
    with pytest.raises(NotPermitted, match="provider_disabled"):
        await vault.run(lambda work: report(work, vault.parts, wanted=wanted, status=403))


async def test_n126_another_providers_switch_changes_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.token(ada, connection_id)
    await vault.run(
        lambda work: switch_provider(work, provider="notion", state="disabled"), actor=OPERATOR
    )
    statements = StatementsSeen(monkeypatch)
    assert (await vault.token(ada, connection_id)).raw_access
    assert statements.seen == ["SELECT connections"]  # the switch is read along with it


async def test_n126_nor_does_an_export_with_secrets(vault: Vault) -> None:
    ada = await vault.person()
    await vault.connect(ada, account=ADA)

    async def secrets() -> list[bool]:
        told = await vault.run(
            lambda work: export(work, vault.parts, user_id=ada.id, with_secrets=True), actor=ada
        )
        return ["refresh_token" in each for each in told["connections"]]

    assert await secrets() == [True]
    await switch(vault, "disabled")
    assert await secrets() == [False]
