"""Features: switched on one after the other, asked for as a union, denied without a fuss."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from limen.federation.facts import Feature, Scope
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from limen.vault.annotate import Annotations, annotate
from limen.vault.features.activate import activate, deactivate
from limen.vault.features.declare import declare_feature, undeclare_feature
from limen.vault.features.show import list_features
from limen.vault.features.states import pause_after, standing_of
from limen.vault.listing import list_connections
from limen.vault.model import TENANT_OWNER
from limen.vault.store.features import Noted
from tests.simulated import ADA, GRACE, NOTION_ADA, query_of
from tests.unit.vault.test_every_vendor import register
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"
DRIVE = "https://www.googleapis.com/auth/drive.readonly"
GMAIL = "https://www.googleapis.com/auth/gmail.readonly"
DAY = dt.timedelta(days=1)


async def standings(vault: Vault, actor: Actor, connection_id: str) -> dict[str, str]:
    _, shown = await vault.run(
        lambda work: list_features(
            work, vault.parts, connection_id=connection_id, owner_id=actor.id
        )
    )
    return {each.name: each.standing.state for each in shown}


async def turn_on(vault: Vault, actor: Actor, connection_id: str, feature: str) -> str | None:
    return await vault.run(
        lambda work: activate(
            work, vault.parts, connection_id=connection_id, owner_id=actor.id, feature=feature
        ),
        actor=actor,
    )


def an_app_of(actor: Actor) -> Actor:
    return dataclasses.replace(
        actor, client_id="an-app", scope=frozenset({"connections:connect", "connections:read"})
    )


async def test_f33_a_feature_is_asked_for_with_what_was_granted_and_nothing_more(
    vault: Vault,
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, features=("calendar_read",), account=ADA)
    before = await standings(vault, ada, connection_id)
    assert before["calendar_read"] == "active"
    assert before["drive_read"] == "missing"
    assert await turn_on(vault, ada, connection_id, "drive_read") == "google"
    wanted: dict[str, Any] = {"features": ("drive_read",), "connection_id": connection_id}
    url = await vault.leave(ada, **wanted)
    asked = set(query_of(url)["scope"].split())
    assert {CALENDAR, DRIVE} <= asked
    assert (
        not asked
        - {CALENDAR, DRIVE, "openid", "email"}
        - {"https://www.googleapis.com/auth/userinfo.email"}
    )
    await vault.connect(ada, account=ADA, **wanted)
    after = await standings(vault, ada, connection_id)
    assert (after["calendar_read"], after["drive_read"]) == ("active", "active")
    assert await turn_on(vault, ada, connection_id, "drive_read") is None


async def test_f33_what_is_left_unticked_is_recorded_and_the_rest_works_on(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, features=("calendar_read",), account=ADA)
    await vault.connect(
        ada, account=ADA, features=("drive_read",), connection_id=connection_id, untick=(DRIVE,)
    )
    after = await standings(vault, ada, connection_id)
    assert (after["calendar_read"], after["drive_read"]) == ("active", "denied")
    assert vault.named("connection:feature:denied")[0].missing_scopes == (DRIVE,)
    assert (await vault.token(ada, connection_id)).scopes


async def test_f33_what_another_consent_takes_away_is_told(vault: Vault) -> None:
    """Of one account there is one grant: whoever connects it for less takes from the others."""
    await register(vault, "spotify")
    ada, grace = await vault.person(), await vault.person()
    mine = await vault.connect(ada, "spotify", features=("library_read",))
    await vault.connect(grace, "spotify", features=("playback",))
    [event] = vault.named("connection:grant:scopes_changed")
    assert set(event.lost) == {"user-library-read", "playlist-read-private"}
    assert (await standings(vault, ada, mine))["library_read"] == "missing"


async def test_apps_leave_a_person_alone_who_said_no(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(
        ada, account=ADA, features=("calendar_read", "drive_read"), untick=(DRIVE,)
    )
    app = an_app_of(ada)
    with pytest.raises(Conflict, match="feature_denied"):
        await turn_on(vault, app, connection_id, "drive_read")
    assert await turn_on(vault, ada, connection_id, "drive_read") == "google"  # they ask themselves
    vault.house.clock.advance(DAY)
    assert await turn_on(vault, app, connection_id, "drive_read") == "google"


async def test_saying_yes_forgets_the_no(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("drive_read",), untick=(DRIVE,))
    await vault.connect(ada, account=ADA, features=("drive_read",), connection_id=connection_id)
    assert (await standings(vault, ada, connection_id))["drive_read"] == "active"
    await vault.run(
        lambda work: deactivate(
            work, connection_id=connection_id, owner_id=ada.id, feature="drive_read"
        ),
        actor=ada,
    )
    # Its scopes are held still: switching it on again asks nobody.
    assert (await standings(vault, ada, connection_id))["drive_read"] == "missing"
    assert await turn_on(vault, an_app_of(ada), connection_id, "drive_read") is None
    assert (await standings(vault, ada, connection_id))["drive_read"] == "active"


def test_the_pause_doubles_up_to_a_month() -> None:
    assert [pause_after(denials).days for denials in (1, 2, 3, 5, 6, 99)] == [1, 2, 4, 16, 30, 30]


async def test_what_only_an_administrator_can_give_says_so(vault: Vault) -> None:
    provider = vault.parts.catalogue.get("google", {})
    facts = dataclasses.replace(
        provider.facts,
        scopes={"admin": Scope(title="All", kind="admin_consent")},
        unechoed_scopes=("quiet",),
    )
    provider._facts = facts  # type: ignore[attr-defined]  # a provider with such a scope
    noted = Noted(state="denied", denials=1, denied_at=vault.house.clock.now())

    def state(*scopes: str, granted: tuple[str, ...] = (), known: Noted | None = noted) -> str:
        feature = Feature(title="Some", scopes=scopes)
        return standing_of(feature, known, provider=provider, granted=granted).state

    assert state("admin") == "needs_admin"
    assert state("read") == "denied"
    assert state("read", known=None) == "missing"
    active = Noted(state="active", denials=0, denied_at=None)
    assert state("read", "quiet", granted=("read",), known=active) == "active"
    assert state("read", "other", granted=("read",), known=active) == "missing"


async def test_a_declared_feature_is_one_like_others(vault: Vault) -> None:
    async def declare(feature: str = "inbox", *scopes: str) -> None:
        await vault.run(
            lambda work: declare_feature(
                work,
                vault.parts,
                provider="google",
                feature=feature,
                title="Your inbox",
                scopes=scopes or (GMAIL,),
            )
        )

    ada = await vault.person()
    await declare()
    connection_id = await vault.connect(ada, account=ADA, features=("inbox",))
    assert (await standings(vault, ada, connection_id))["inbox"] == "active"
    await declare("inbox", GMAIL, DRIVE)  # it grew: what was given no longer suffices
    assert (await standings(vault, ada, connection_id))["inbox"] == "missing"
    with pytest.raises(Conflict, match="feature_exists"):
        await declare("calendar_read")
    for bad in ("Inbox", "x" * 41, ""):
        with pytest.raises(InvalidInput, match="feature_invalid"):
            await declare(bad)
    with pytest.raises(InvalidInput, match="feature_invalid"):
        await declare("spaces", "one two")
    await vault.run(lambda work: undeclare_feature(work, provider="google", feature="inbox"))
    with pytest.raises(InvalidInput, match="feature_unknown"):
        await vault.leave(ada, features=("inbox",))


async def test_a_token_for_a_feature_that_is_off_is_refused(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    assert (await vault.token(ada, connection_id, feature="calendar_read")).generation == 1
    for feature in ("drive_read", "nothing"):
        with pytest.raises(Conflict, match="feature_inactive"):
            await vault.token(ada, connection_id, feature=feature)


async def test_a_provider_without_scopes_has_its_feature_by_connecting(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    before = await standings(vault, ada, connection_id)
    assert "active" in before.values()
    for feature in before:  # the person chose at the provider; nobody is asked again
        assert await turn_on(vault, ada, connection_id, feature) is None
    assert set((await standings(vault, ada, connection_id)).values()) == {"active"}


async def test_a_connection_is_named_tagged_and_annotated_within_bounds(vault: Vault) -> None:
    ada, mallory = await vault.person(), await vault.person()
    connection_id = await vault.connect(ada, account=ADA)

    async def write(actor: Actor = ada, **told: object) -> None:
        annotations = Annotations(**told)  # type: ignore[arg-type]  # what a caller sends
        await vault.run(
            lambda work: annotate(
                work, connection_id=connection_id, owner_id=actor.id, annotations=annotations
            ),
            actor=actor,
        )

    await write(nickname="Work", tags=["a", "b", "a"], metadata={"team": 7})
    await write(tags=["c"])
    shown = await vault.shown(ada, connection_id)
    assert (shown.nickname, shown.tags, shown.metadata) == ("Work", ("c",), {"team": 7})
    await vault.connect(ada, account=ADA, connection_id=connection_id)
    assert (await vault.shown(ada, connection_id)).nickname == "Work"
    for told, code in (
        ({"nickname": "x" * 201}, "label_invalid"),
        ({"nickname": "\x00"}, "label_invalid"),
        ({"tags": ["x" * 51]}, "tags_invalid"),
        ({"tags": [""]}, "tags_invalid"),
        ({"tags": [str(n) for n in range(21)]}, "tags_invalid"),
        ({"metadata": {"x": "y" * 4096}}, "metadata_invalid"),
        ({"metadata": {str(n): 1 for n in range(51)}}, "metadata_invalid"),
    ):
        with pytest.raises(InvalidInput, match=code):
            await write(**told)
    with pytest.raises(NotFound):
        await write(mallory, nickname="mine")


async def test_the_tenants_own_connections_stand_beside_a_persons(vault: Vault) -> None:
    admin, ada = await vault.administrator(), await vault.person()
    theirs = await vault.connect(admin, account=ADA, for_tenant=True)
    own = await vault.connect(admin, account=GRACE)

    async def listed(owner: str) -> list[str]:
        found = await vault.run(lambda work: list_connections(work, vault.parts, user_id=owner))
        return [each.id for each in found]

    assert await listed(TENANT_OWNER) == [theirs]
    assert await listed(admin.id) == [own]
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.token(admin, theirs)  # by their own name they have no such connection
    with pytest.raises(Conflict, match="account_connected_already"):
        await vault.connect(admin, account=ADA)
    with pytest.raises(NotPermitted):
        await vault.leave(ada, for_tenant=True)


async def test_who_lost_the_right_meanwhile_connects_nothing_for_the_tenant(vault: Vault) -> None:
    admin = await vault.administrator()
    url = await vault.leave(admin, for_tenant=True)
    callback = await vault.simulated.approve(url, account=ADA)
    await vault.demote(admin)
    with pytest.raises(NotPermitted):
        await vault.come_back(admin, callback)
