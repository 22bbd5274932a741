"""What a token's answer says of an account beside its tokens: kept, shown, and gone with them."""

from __future__ import annotations

import datetime as dt

import pytest

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import NotPermitted
from limen.vault.disconnect import disconnect
from limen.vault.proxy.prepare import Prepared, ProxiedCall, prepare
from limen.vault.store import grants
from limen.vault.token_for import Wanted
from tests.unit.vault.test_every_vendor import register
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
HOST = "simulated.my.salesforce.com"


async def called(
    vault: Vault, actor: Actor, id_: str, host: str, *, path: str = "/services/data"
) -> Prepared:
    wanted = Wanted(connection_id=id_, user_id=actor.id, reader="")
    call = ProxiedCall(reader="any", method="GET", host=host, path=path, query="")
    return await vault.run(
        lambda work: prepare(work, vault.parts, wanted=wanted, call=call), actor=actor
    )


async def test_f45_the_proxy_sends_a_token_to_its_accounts_own_host_alone(vault: Vault) -> None:
    await register(vault, "salesforce")
    ada = await vault.person()
    hers = await vault.connect(ada, "salesforce", features=("data",))
    assert (await vault.shown(ada, hers)).details["instance_url"] == f"https://{HOST}"
    prepared = await called(vault, ada, hers, HOST)
    assert prepared.api.hosts == (HOST,)
    for others in ("login.salesforce.com", "mallory.my.salesforce.com", "mallory.my.force.com"):
        with pytest.raises(NotPermitted, match="proxy_host_refused"):
            await called(vault, ada, hers, others)
    with pytest.raises(NotPermitted, match="proxy_operation_refused"):
        await called(vault, ada, hers, HOST, path="/services/oauth2/revoke")


async def test_an_account_that_moves_is_followed_at_a_refresh_and_not_before(vault: Vault) -> None:
    await register(vault, "salesforce")
    ada = await vault.person()
    hers = await vault.connect(ada, "salesforce", features=("data",))
    first = await vault.token(ada, hers)

    async def forget(work: Work) -> None:  # as kept before there was anything to keep it in
        await grants.note_lifted(work, grant_id=first.grant_id, lifted={})

    await vault.run(forget)
    with pytest.raises(NotPermitted, match="proxy_host_refused"):
        await called(vault, ada, hers, HOST)
    moved = {"instance_url": "https://moved.my.salesforce.com"}
    await vault.simulated.order("salesforce", lies={"token_response": moved})
    vault.house.clock.advance(dt.timedelta(hours=1))
    await vault.token(ada, hers, seen_generation=first.generation)
    assert (await vault.shown(ada, hers)).details["instance_url"] == moved["instance_url"]
    await called(vault, ada, hers, "moved.my.salesforce.com")


async def test_nothing_of_the_account_stays_when_its_grant_ends(vault: Vault) -> None:
    await register(vault, "salesforce")
    ada = await vault.person()
    hers = await vault.connect(ada, "salesforce", features=("data",))
    grant_id = (await vault.token(ada, hers)).grant_id
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=hers, user_id=ada.id), actor=ada
    )
    assert await vault.run(lambda work: grants.lifted_of(work, grant_id)) == {}

    async def late(work: Work) -> None:
        await grants.note_lifted(work, grant_id=grant_id, lifted={"instance_url": "late"})

    await vault.run(late)
    assert await vault.run(lambda work: grants.lifted_of(work, grant_id)) == {}
