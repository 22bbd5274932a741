"""Credentials replaced, asked about, and found out to be refused."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.federation.upstream_clients import switch_provider
from limen.kernel.actor import Actor
from limen.kernel.errors import (
    Conflict,
    InvalidInput,
    NotPermitted,
    ProviderUnavailable,
    Refusal,
)
from limen.vault.disconnect import disconnect
from limen.vault.model import TENANT_OWNER
from limen.vault.notices import given, rotated
from limen.vault.refresh.claim import OWNER
from limen.vault.refresh.renew_credential import renew_held
from limen.vault.release.report import Reported, report
from limen.vault.store import journal
from limen.vault.store.connections import find_connection
from limen.vault.tables import upstream_grants
from limen.vault.token_for import Wanted
from tests.giving import ADAS_KEY, GRACES_KEY, KEY, Giving, giving, key_file
from tests.simulated import NOTION_ADA
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
__all__ = ["giving"]
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1, minutes=5)
OWN: dict[str, Any] = {"kind": "client_credentials", "client_id": "adas", "client_secret": "first"}


async def another_key(giving: Giving, raw: str = "another-key", sub: str = NOTION_ADA) -> str:
    """Have Notion take one more key."""
    await giving.vault.simulated.order("notion", keys={raw: {"sub": sub}})
    return raw


async def revoke(giving: Giving, provider: str, *names: str) -> None:
    await giving.vault.simulated.order(provider, revoke_keys=list(names))


async def own_client(giving: Giving, actor: Actor) -> str:
    """Somebody's own client at Spotify, given."""
    client = {"client_id": "adas", "secret": "first", "older_secrets": ["second"]}
    await giving.vault.simulated.order("spotify", clients=[client])
    return await giving.give(actor, "spotify", **OWN)


async def refused_with_401(giving: Giving, actor: Actor, id_: str) -> Reported:
    wanted = Wanted(connection_id=id_, user_id=actor.id, reader="", use="look", seen_generation=1)
    parts = giving.vault.parts
    return await giving.vault.run(
        lambda work: report(work, parts, wanted=wanted, status=401), actor=actor
    )


async def sealed(giving: Giving) -> list[Any]:
    return await giving.columns(
        upstream_grants.c.generation, upstream_grants.c.sealed_access, upstream_grants.c.state
    )


async def test_a_new_key_takes_the_place_of_the_old_one(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    before = await sealed(giving)
    newer = await another_key(giving)
    await giving.rotate(ada, id_, kind="api_key", key=newer)
    after = await sealed(giving)
    assert (before[0][0], after[0][0]) == (1, 2)
    assert before[0][1] != after[0][1]
    await revoke(giving, "notion", ADAS_KEY)
    assert await giving.verify(ada, id_)
    [event] = vault.named("connection:credential:rotated")
    assert (event.connection_id, event.generation) == (id_, 2)
    [kept] = vault.named("connection:credential:given")
    [first] = await vault.run(lambda work: given(work, kept), actor=ada)
    [second] = await vault.run(lambda work: rotated(work, event), actor=ada)
    assert (first.kind, second.kind) == ("connection.created", "connection.reconnected")
    for notice in (first, second):
        assert (notice.data["connection_id"], notice.data["user_id"]) == (id_, ada.id)
        assert newer not in repr(notice)


async def test_the_old_one_stays_until_the_new_one_is_proved(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    before = await sealed(giving)
    with pytest.raises(InvalidInput, match="credential_refused"):
        await giving.rotate(ada, id_, kind="api_key", key="nonsense")
    await vault.simulated.order("notion", faults={"me": [{"kind": "status", "status": 502}]})
    with pytest.raises(ProviderUnavailable, match="credential_unproven"):
        await giving.rotate(ada, id_, **KEY)
    assert await sealed(giving) == before
    assert await giving.verify(ada, id_)
    assert [each.connection_id for each in vault.named("connection:credential:not_taken")] == [id_]


async def test_f35_the_account_is_pinned(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    with pytest.raises(Conflict, match="account_mismatch"):
        await giving.rotate(ada, id_, kind="api_key", key=GRACES_KEY)
    assert len(vault.named("connection:account:mismatched")) == 1
    assert [row[0] for row in await sealed(giving)] == [1]


async def test_of_two_at_once_one_is_kept(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    keys = [await another_key(giving, f"another-{number}") for number in range(4)]
    await vault.simulated.order("notion", lies={"latency_seconds": 0.1})
    done = await asyncio.gather(
        *(giving.rotate(ada, id_, seen=1, kind="api_key", key=key) for key in keys),
        return_exceptions=True,
    )
    lost = [each for each in done if each is not None]
    assert [(type(each), str(each)) for each in lost] == [(Conflict, "credential_changed")] * 3
    assert [row[0] for row in await sealed(giving)] == [2]
    assert len(vault.named("connection:credential:rotated")) == 1


async def test_what_was_seen_is_what_is_replaced(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    await giving.rotate(ada, id_, seen=1, **KEY)
    with pytest.raises(Conflict, match="credential_changed"):
        await giving.rotate(ada, id_, seen=1, **KEY)
    assert [row[0] for row in await sealed(giving)] == [2]


async def test_tokens_may_be_wanted_for_something_else(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    private = await giving.robot()
    told: dict[str, Any] = {"kind": "service_account", "service_account": key_file(private)}
    id_ = await giving.give(ada, "google", features=("calendar_read",), **told)
    await giving.rotate(ada, id_, features=("drive_read",), **told)
    shown = await vault.shown(ada, id_)
    assert shown.scopes == ("https://www.googleapis.com/auth/drive.readonly",)
    assert shown.features["drive_read"] == "active"
    assert (await vault.token(ada, id_, feature="drive_read")).generation == 2
    with pytest.raises(Conflict, match="feature_inactive"):
        await vault.token(ada, id_, feature="calendar_read")
    with pytest.raises(InvalidInput, match="feature_unknown"):
        await giving.rotate(ada, id_, features=("unheard",), **told)
    await giving.rotate(ada, id_, **told)
    assert (await vault.shown(ada, id_)).scopes == shown.scopes


async def test_a_kind_stays_what_it_is(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    by_consent = await vault.connect(ada, "notion", account=NOTION_ADA)
    with pytest.raises(InvalidInput, match="credential_kind_mismatch"):
        await giving.rotate(ada, id_, **OWN)
    for ask in (giving.verify(ada, by_consent), giving.rotate(ada, by_consent, **KEY)):
        with pytest.raises(InvalidInput, match="credential_kind_mismatch"):
            await ask


async def test_f39_a_token_fetched_with_the_old_secret_comes_too_late(
    vault: Vault, giving: Giving
) -> None:
    ada = await vault.person()
    id_ = await own_client(giving, ada)

    async def lease(work: Work) -> Any:
        found = await find_connection(work, connection_id=id_, owner_id=ada.id)
        assert found is not None
        return await journal.claim_grant(
            work, grant_id=found[0].grant.id, seen_generation=1, owner=OWNER, lease_seconds=30
        )

    held = await vault.run(lease)
    await giving.rotate(ada, id_, **{**OWN, "client_secret": "second"})
    now = await sealed(giving)
    await renew_held(vault.parts, vault.house.site, grant=held)
    assert await sealed(giving) == now
    assert now[0][0] == 2


@pytest.mark.parametrize("what", ["key", "client", "asked", "fetched"])
async def test_what_ended_while_the_provider_was_asked_stays_so(
    vault: Vault, giving: Giving, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ada = await vault.person()
    id_ = await (giving.give(ada) if what == "key" else own_client(giving, ada))
    vault.house.clock.advance(HOUR)
    fetch = vault.parts.net.fetch

    async def fetch_and_end(*args: Any, **named: Any) -> Any:
        answer = await fetch(*args, **named)
        await vault.run(
            lambda work: disconnect(work, vault.parts, connection_id=id_, user_id=ada.id)
        )
        return answer

    monkeypatch.setattr(vault.parts.net, "fetch", fetch_and_end)
    asking: dict[str, Callable[[], Awaitable[object]]] = {
        "key": lambda: giving.rotate(ada, id_, **KEY),
        "client": lambda: giving.rotate(ada, id_, **{**OWN, "client_secret": "second"}),
        "asked": lambda: giving.verify(ada, id_),
        "fetched": lambda: vault.token(ada, id_),
    }
    with pytest.raises(Refusal) as refused:
        await asking[what]()
    assert refused.value.code in {"credential_changed", "connection_not_found"}
    assert [row[1] for row in await sealed(giving)] == [None]


async def test_asked_about_at_any_time(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    await revoke(giving, "notion", ADAS_KEY)
    assert not await giving.verify(ada, id_)
    shown = await vault.shown(ada, id_)
    assert (shown.state, shown.reason) == ("reauth_required", "refused_by_provider")
    assert shown.advice == "The provider no longer takes this credential. Give another one."
    assert len(vault.named("connection:grant:reauth_required")) == 1
    assert not await giving.verify(ada, id_)  # told once
    assert len(vault.named("connection:grant:reauth_required")) == 1
    await vault.simulated.order("notion", faults={"me": [{"kind": "status"}]})
    with pytest.raises(ProviderUnavailable, match="credential_unproven"):
        await giving.verify(ada, id_)
    await another_key(giving, ADAS_KEY)  # it works again
    assert await giving.verify(ada, id_)
    assert (await vault.shown(ada, id_)).state == "active"
    assert len(vault.named("connection:grant:reinstated")) == 1
    assert [each.taken for each in vault.named("connection:credential:verified")] == [
        False,
        False,
        True,
    ]


async def test_a_key_that_ended_is_found_out_by_whoever_uses_it(
    vault: Vault, giving: Giving
) -> None:
    ada = await vault.person()
    ends = (vault.house.clock.now() + HOUR).isoformat()
    await vault.simulated.order("notion", keys={"short": {"sub": NOTION_ADA, "expires_at": ends}})
    id_ = await giving.give(ada, kind="api_key", key="short")
    assert (await refused_with_401(giving, ada, id_)).advice == "wait"  # asked a moment ago
    vault.house.clock.advance(MINUTE)
    told = await refused_with_401(giving, ada, id_)
    assert (told.advice, told.generation) == ("check_features", 1)
    vault.house.clock.advance(HOUR)
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await refused_with_401(giving, ada, id_)
    assert (await vault.shown(ada, id_)).state == "reauth_required"
    assert await giving.calls("notion") == {"me": 3}


async def test_f21_a_client_that_is_gone_asks_no_more(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await own_client(giving, ada)
    await revoke(giving, "spotify", "adas")
    vault.house.clock.advance(HOUR)
    assert await vault.loop() == 1
    assert (await vault.shown(ada, id_)).state == "reauth_required"
    vault.house.clock.advance(HOUR)
    assert await vault.loop() == 0
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, id_)
    client = {"client_id": "adas", "secret": "third"}
    await vault.simulated.order("spotify", clients=[client])
    await giving.rotate(ada, id_, **{**OWN, "client_secret": "third"})
    assert (await vault.token(ada, id_)).generation == 2
    vault.house.clock.advance(HOUR)
    assert await vault.loop() == 1  # and it is renewed by itself again
    assert (await vault.token(ada, id_)).generation == 3


FAULTS: dict[str, dict[str, Any]] = {
    "unknown": {"kind": "error", "status": 400, "error": "nobody_knows"},
    "scope": {"kind": "error", "status": 400, "error": "invalid_scope"},
    "throttled": {"kind": "status", "status": 429, "retry_after": 5},
    "page": {"kind": "html", "status": 200},
}


@pytest.mark.parametrize("name", FAULTS)
async def test_f18_f19_only_a_refusal_ends_it(vault: Vault, giving: Giving, name: str) -> None:
    ada = await vault.person()
    id_ = await own_client(giving, ada)
    vault.house.clock.advance(dt.timedelta(minutes=58))
    await vault.simulated.order("spotify", faults={"client_credentials": [FAULTS[name]]})
    assert await vault.loop() == 1
    shown = await vault.shown(ada, id_)
    assert (shown.state, shown.generation) == ("active", 1)
    [(retry_at,)] = await giving.columns(upstream_grants.c.retry_at)
    assert retry_at is not None
    assert (await vault.token(ada, id_)).generation == 1  # which lives for two minutes yet


async def test_asked_about_a_client_it_brings_a_token(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await own_client(giving, ada)
    assert await giving.verify(ada, id_)
    assert (await vault.token(ada, id_)).generation == 2
    await revoke(giving, "spotify", "adas")
    assert not await giving.verify(ada, id_)
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, id_)


async def test_n126_not_at_a_provider_that_is_switched_off(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada, "github")
    await vault.run(lambda work: switch_provider(work, provider="github", state="disabled"))
    for ask in (
        giving.give(ada, "github"),
        giving.verify(ada, id_),
        giving.rotate(ada, id_, **KEY),
    ):
        with pytest.raises(NotPermitted, match="provider_disabled"):
            await ask
    assert await giving.calls("github") == {"user": 1}


async def test_n126_and_what_is_due_there_waits(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await own_client(giving, ada)
    await vault.run(lambda work: switch_provider(work, provider="spotify", state="disabled"))
    vault.house.clock.advance(HOUR)
    await vault.loop()
    assert await giving.calls("spotify") == {"client_credentials": 1}
    assert (await vault.shown(ada, id_)).state == "active"


async def test_f42_a_half_of_another_generation_does_not_open(vault: Vault, giving: Giving) -> None:
    ada = await vault.person()
    id_ = await giving.give(ada)
    [(_, older, _)] = await sealed(giving)
    await giving.rotate(ada, id_, **KEY)

    async def put_back(work: Work) -> None:
        await work.execute(
            sa.update(upstream_grants).values(sealed_access=sa.bindparam("older")), older=older
        )

    await vault.run(put_back)
    with pytest.raises(SealBroken):
        await giving.verify(ada, id_)


async def test_the_tenants_is_replaced_by_whoever_speaks_for_it(
    vault: Vault, giving: Giving
) -> None:
    first, second = await vault.administrator(), await vault.administrator()
    id_ = await giving.give(first, for_tenant=True)
    await giving.rotate(second, id_, owner_id=TENANT_OWNER, **KEY)
    assert await giving.verify(second, id_, owner_id=TENANT_OWNER)
    assert [row[0] for row in await sealed(giving)] == [2]
