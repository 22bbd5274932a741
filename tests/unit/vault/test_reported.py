"""A token that can't be renewed is said to be refused: it ends by its provider's word alone."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, NotPermitted, ProviderUnavailable
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.vault.release.report import Reported, report
from limen.vault.token_for import Wanted
from tests.simulated import ADA
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
GITHUB_ADA = "1001"


async def connected(vault: Vault) -> tuple[Actor, str]:
    """Somebody with a token of GitHub's that neither expires nor can be renewed."""
    new = NewUpstreamClient(
        provider="github", client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
    )
    await vault.run(lambda work: set_upstream_client(work, vault.house.envelope, new=new))
    ada = await vault.person()
    connection_id = await vault.connect(ada, "github", account=GITHUB_ADA)
    assert (await vault.token(ada, connection_id)).expires_at is None
    vault.house.clock.advance(dt.timedelta(minutes=5))
    return ada, connection_id


async def calls(vault: Vault) -> int:
    """How often the provider was asked anything."""
    return sum((await vault.simulated.seen("github"))["calls"].values())


async def told(
    vault: Vault, actor: Actor, id_: str, status: int = 401, *, client_id: str = ""
) -> Reported:
    wanted = Wanted(
        connection_id=id_,
        user_id=actor.id,
        reader="",
        client_id=client_id,
        use="look",
        seen_generation=1,
    )
    return await vault.run(lambda work: report(work, vault.parts, wanted=wanted, status=status))


async def test_f18_nobodys_word_but_the_providers_ends_it(vault: Vault) -> None:
    ada, connection_id = await connected(vault)
    assert (await told(vault, ada, connection_id)).advice == "check_features"
    assert (await vault.shown(ada, connection_id)).state == "active"
    assert (await vault.token(ada, connection_id)).raw_access
    assert vault.named("connection:grant:reauth_required") == []


async def test_what_the_provider_refuses_ends(vault: Vault) -> None:
    ada, connection_id = await connected(vault)
    await vault.simulated.order("github", revoke_grants=[GITHUB_ADA])
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await told(vault, ada, connection_id)
    assert (await vault.shown(ada, connection_id)).state == "reauth_required"


async def test_of_twenty_who_report_it_one_asks(vault: Vault) -> None:
    ada, connection_id = await connected(vault)
    before = await calls(vault)

    async def one() -> str:
        try:
            return (await told(vault, ada, connection_id)).advice
        except ProviderUnavailable as refusal:
            return refusal.detail

    answers = await asyncio.gather(*(one() for _ in range(20)))
    assert "check_features" in answers
    assert await calls(vault) == before + 1
    # Nor does who reports it again and again make us ask again and again.
    assert await one() == "backing_off"
    assert await calls(vault) == before + 1


async def test_a_wish_for_a_longer_life_ends_nothing(vault: Vault) -> None:
    ada = await vault.person()
    await vault.simulated.order("google", lies={"token_response": {"refresh_token": None}})
    connection_id = await vault.connect(ada, account=ADA)
    vault.house.clock.advance(dt.timedelta(minutes=59))
    given = await vault.token(ada, connection_id, min_ttl=dt.timedelta(days=1))
    assert given.generation == 1
    assert (await vault.shown(ada, connection_id)).state == "active"
    vault.house.clock.advance(dt.timedelta(minutes=2))
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id)
    assert (await vault.shown(ada, connection_id)).reason == "no_refresh_token"


async def test_a_provider_that_does_not_say_ends_nothing(vault: Vault) -> None:
    ada, connection_id = await connected(vault)
    await vault.simulated.order("github", faults={"user": [{"kind": "status", "status": 503}]})
    with pytest.raises(ProviderUnavailable, match="provider_unavailable"):
        await told(vault, ada, connection_id)
    assert (await vault.shown(ada, connection_id)).state == "active"
    assert (await vault.token(ada, connection_id)).raw_access


async def test_a_client_without_consent_learns_nothing_by_reporting(vault: Vault) -> None:
    ada, connection_id = await connected(vault)
    client = await vault.client()
    for status in (401, 403):
        with pytest.raises(NotPermitted, match="release_not_allowed"):
            await told(vault, ada, connection_id, status, client_id=client)
