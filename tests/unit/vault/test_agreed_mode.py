"""Who agreed that a client uses a connection by the proxy gave no token away, whatever comes after."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
from typing import Any, Final

import pytest
import sqlalchemy as sa

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import NotPermitted, OAuthRefusal
from limen.vault.asking.answer import allow as say_yes
from limen.vault.erasing.export import export
from limen.vault.model import TENANT_OWNER, ReleaseMode
from limen.vault.notices import shared as notice_of
from limen.vault.proxy.prepare import ProxiedCall, prepare
from limen.vault.release.report import report
from limen.vault.sharing.check import ASK_AT
from limen.vault.sharing.consents import Wish, list_shared, share, switch_off
from limen.vault.tables import connection_consents
from limen.vault.token_for import Wanted
from tests.simulated import ADA
from tests.unit.vault.test_asking import app, asked, seen, through
from tests.unit.vault.test_sharing import allow, exchange, given
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
MIGRATION: Final = importlib.import_module("limen.db.migrations.versions.0032_agreed_mode")
FORGET: Final = sa.update(connection_consents).values(mode="proxy")
CALENDAR: Final = ("calendar_read",)


async def agree(vault: Vault, actor: Actor, wish: Wish, *, owner_id: str = "") -> None:
    async def body(work: Work) -> None:
        await share(work, vault.parts, owner_id=owner_id or actor.id, wish=wish)

    await vault.run(body, actor=actor)


async def agreed_to(
    vault: Vault, mode: ReleaseMode | None, *features: str
) -> tuple[Actor, str, str]:
    """Somebody who agreed before the administrator let the client have tokens."""
    ada, client = await vault.person(), await vault.client()
    connection_id = await vault.connect(ada, account=ADA, features=features or CALENDAR)
    await allow(vault, client, "proxy")
    said = {} if mode is None else {"mode": mode}
    wanted = features or CALENDAR
    wish = Wish(connection_id=connection_id, client_id=client, features=wanted, **said)
    await agree(vault, ada, wish)
    await allow(vault, client, "raw")
    return ada, connection_id, client


async def modes(vault: Vault, actor: Actor) -> list[str]:
    found = await vault.run(lambda work: list_shared(work, owner_id=actor.id), actor=actor)
    return [each.mode for each in found]


def wanted(actor: Actor, connection_id: str, client: str, **more: Any) -> Wanted:
    return Wanted(
        connection_id=connection_id, user_id=actor.id, reader="", client_id=client, **more
    )


@pytest.mark.parametrize("mode", ["proxy", None], ids=["said", "absent"])
async def test_who_agreed_to_the_proxy_gives_no_token_away(
    vault: Vault, mode: ReleaseMode | None
) -> None:
    ada, connection_id, client = await agreed_to(vault, mode)
    with pytest.raises(NotPermitted, match="raw_consent_required") as refused:
        await given(vault, ada, connection_id, client)
    assert refused.value.ask_at == ASK_AT
    urn = f"urn:limen:connection:{connection_id}"
    for audience in (urn, "urn:limen:provider:google"):
        with pytest.raises(OAuthRefusal, match="invalid_target") as said:
            await exchange(vault, ada, client, audience, audiences=(urn, "urn:limen:provider:*"))
        assert (said.value.closer, said.value.ask_at) == ("raw_consent_required", ASK_AT)
    assert vault.named("connection:token:released") == []


async def test_but_uses_the_proxy_and_reports(vault: Vault) -> None:
    ada, connection_id, client = await agreed_to(vault, "proxy")
    call = ProxiedCall(
        reader=f"client:{client}",
        method="GET",
        host="www.googleapis.com",
        path="/calendar/v3/users/me/calendarList",
        query="",
    )
    by_proxy = wanted(ada, connection_id, client, use="proxy")

    async def body(work: Work) -> Any:
        return await prepare(work, vault.parts, wanted=by_proxy, call=call)

    assert (await vault.run(body)).released.raw_access
    looking = wanted(ada, connection_id, client, use="look")
    told = await vault.run(
        lambda work: report(work, vault.parts, wanted=looking, status=403), actor=ada
    )
    assert told.advice == "check_features"


async def test_who_agreed_to_tokens_agreed_to_the_proxy(vault: Vault) -> None:
    ada, connection_id, client = await agreed_to(vault, "raw")
    assert (await given(vault, ada, connection_id, client)).raw_access
    assert (await given(vault, ada, connection_id, client, use="proxy")).raw_access
    # What an administrator lets the client do is another matter, and holds besides.
    await allow(vault, client, "proxy")
    with pytest.raises(NotPermitted, match="release_by_proxy_only"):
        await given(vault, ada, connection_id, client)


async def test_a_tenants_own_connection_is_no_exception(vault: Vault) -> None:
    admin, client = await vault.administrator(), await vault.client()
    connection_id = await vault.connect(admin, account=ADA, features=CALENDAR, for_tenant=True)
    await allow(vault, client, "raw")
    wish = Wish(connection_id=connection_id, client_id=client, features=CALENDAR)
    await agree(vault, admin, wish, owner_id=TENANT_OWNER)
    tenant = dataclasses.replace(admin, id=TENANT_OWNER)
    with pytest.raises(NotPermitted, match="raw_consent_required") as refused:
        await given(vault, tenant, connection_id, client)
    assert refused.value.ask_at == ""  # no person is behind it whom the client could ask
    await agree(vault, admin, dataclasses.replace(wish, mode="raw"), owner_id=TENANT_OWNER)
    assert (await given(vault, tenant, connection_id, client)).raw_access


async def test_a_feature_less_is_agreed_to_as_before(vault: Vault) -> None:
    for mode in ("raw", "proxy"):
        ada, connection_id, client = await agreed_to(vault, mode, "calendar_read", "drive_read")

        async def stop(work: Work, ada: Actor = ada, id_: str = connection_id) -> None:
            await switch_off(
                work, vault.parts, owner_id=ada.id, connection_id=id_, feature="drive_read"
            )

        await vault.run(stop, actor=ada)
        assert await modes(vault, ada) == [mode]
        assert vault.named("connection:consent:given")[-1].mode == mode
        with pytest.raises(NotPermitted):
            await given(vault, ada, connection_id, client)


@pytest.mark.parametrize("mode", ["raw", "proxy"])
async def test_the_page_records_what_it_said(vault: Vault, mode: ReleaseMode) -> None:
    ada, client = await vault.person(), await app(vault, mode)
    connection_id = await vault.connect(ada, account=ADA, features=CALENDAR)
    made = await asked(vault, through(ada, client))
    asking = await seen(vault, ada, made)
    assert (asking.mode, asking.accounts[0].agreed) == (mode, None)
    # An administrator is quick: what is recorded is what this page said.
    await allow(vault, client, "proxy" if mode == "raw" else "raw")

    async def yes(work: Work) -> str:
        return await say_yes(work, vault.parts, asking, connection_id=connection_id, seen=CALENDAR)

    await vault.run(yes, actor=ada)
    assert await modes(vault, ada) == [mode]
    [event] = vault.named("connection:consent:given")
    assert event.mode == mode
    [notice] = await vault.run(lambda work: notice_of(work, event), actor=ada)
    assert notice.data["mode"] == mode
    told = await vault.run(
        lambda work: export(work, vault.parts, user_id=ada.id, with_secrets=False), actor=ada
    )
    assert [each["mode"] for each in told["consents"]] == [mode]


async def test_who_is_asked_again_agrees_to_the_token(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault, "proxy")
    connection_id = await vault.connect(ada, account=ADA, features=CALENDAR)
    await agree(vault, ada, Wish(connection_id=connection_id, client_id=client, features=CALENDAR))
    await allow(vault, client, "raw")
    made = await asked(vault, through(ada, client))
    asking = await seen(vault, ada, made)
    [account] = asking.accounts
    assert (account.state, account.agreed) == ("ready", "proxy")

    async def yes(work: Work) -> str:
        return await say_yes(
            work, vault.parts, asking, connection_id=connection_id, seen=account.features
        )

    await vault.run(yes, actor=ada)
    assert (await given(vault, ada, connection_id, client)).raw_access


async def test_consents_of_before_are_for_tokens_where_that_can_be_proved(vault: Vault) -> None:
    ada = await vault.person()
    known: dict[str, str] = {}
    for story in ("raw since before", "raw since", "raw again", "proxy", "none"):
        client = known[story] = await vault.client()
        if story in {"raw since before", "raw again"}:
            await allow(vault, client, "raw")
            vault.house.clock.advance(dt.timedelta(minutes=1))
        if story == "proxy":
            await allow(vault, client, "proxy")
            vault.house.clock.advance(dt.timedelta(minutes=1))
        connection_id = await vault.connect(ada, account=ADA, features=CALENDAR)
        wish = Wish(connection_id=connection_id, client_id=client, features=CALENDAR)
        await agree(vault, ada, wish)
        vault.house.clock.advance(dt.timedelta(minutes=1))
        if story in {"raw since", "raw again"}:
            await allow(vault, client, "raw")

    async def move_up(work: Work) -> None:
        await work.execute(FORGET)
        await work.execute(sa.text(MIGRATION.PROVEN))

    await vault.run(move_up)
    found = await vault.run(lambda work: list_shared(work, owner_id=ada.id), actor=ada)
    names = {client: story for story, client in known.items()}
    assert {names[each.client_id]: each.mode for each in found} == {
        "raw since before": "raw",
        "raw since": "proxy",
        "raw again": "proxy",
        "proxy": "proxy",
        "none": "proxy",
    }
