"""An app asks for a connection to be shared; its person alone answers, once."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from limen.kernel.actor import OPERATOR, Actor
from limen.kernel.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    NotPermitted,
    OAuthRefusal,
    Throttled,
)
from limen.kernel.secret import Secret
from limen.oauth.registry.register_client import NewClient, register_client
from limen.vault.asking import ask
from limen.vault.asking.answer import allow, connect_first, deny
from limen.vault.asking.ask import AskedSharing, WantedSharing, ask_to_share
from limen.vault.asking.follow import ShownRequest, get_sharing_request, sweep
from limen.vault.asking.look import Asking, look_at_request
from limen.vault.features.activate import deactivate
from limen.vault.sharing.consents import list_shared
from limen.vault.sharing.policy import Mode, set_release_policy
from tests.simulated import ADA, GRACE, query_of
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
BACK = "https://app.example/shared"
SCOPE = frozenset({"connections:ask"})


async def app(vault: Vault, mode: Mode = "proxy") -> str:
    """An app that may use connections."""
    new = NewClient(name="Diary", type="web", redirect_uris=(BACK,), scope=("openid",))
    made = await vault.run(
        lambda work: register_client(work, new=new, envelope=vault.house.envelope), actor=OPERATOR
    )
    id_ = made.client.client_id
    await vault.run(lambda work: set_release_policy(work, vault.parts, client_id=id_, mode=mode))
    return id_


def through(actor: Actor, client_id: str) -> Actor:
    """The same person, as the app asks with their token."""
    return dataclasses.replace(actor, session_id="", client_id=client_id, scope=SCOPE)


async def asked(vault: Vault, asker: Actor, *features: str, **more: Any) -> AskedSharing:
    wanted = WantedSharing(
        provider="google",
        features=features or ("calendar_read",),
        **{"redirect_uri": BACK, "state": "s", **more},
    )
    return await vault.run(lambda work: ask_to_share(work, vault.parts, wanted=wanted), actor=asker)


def link_of(made: AskedSharing) -> Secret[str]:
    assert urlsplit(made.url).path.endswith(f"/account/share/{made.id}")
    return Secret(query_of(made.url)["link"])


async def seen(vault: Vault, actor: Actor, made: AskedSharing, *, by_link: bool = True) -> Asking:
    raw = link_of(made) if by_link else None
    return await vault.run(
        lambda work: look_at_request(work, vault.parts, request_id=made.id, raw_link=raw),
        actor=actor,
    )


async def allowed(
    vault: Vault, actor: Actor, made: AskedSharing, connection_id: str, *, by_link: bool = True
) -> str:
    asking = await seen(vault, actor, made, by_link=by_link)
    [account] = [each for each in asking.accounts if each.connection_id == connection_id]

    async def answer(work: Any) -> str:
        return await allow(
            work, vault.parts, asking, connection_id=connection_id, seen=account.features
        )

    return await vault.run(answer, actor=actor)


async def told(vault: Vault, asker: Actor, made: AskedSharing) -> ShownRequest:
    return await vault.run(lambda work: get_sharing_request(work, made.id), actor=asker)


async def shared(vault: Vault, actor: Actor) -> dict[str, tuple[str, ...]]:
    consents = await vault.run(lambda work: list_shared(work, owner_id=actor.id), actor=actor)
    return {each.client_id: each.features for each in consents}


async def test_a_person_shares_what_an_app_asked_for(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault)
    connection = await vault.connect(ada, account=ADA, features=("calendar_read",))
    made = await asked(vault, through(ada, client))
    assert (await told(vault, through(ada, client), made)).state == "pending"
    back = await allowed(vault, ada, made, connection)
    assert back.startswith(f"{BACK}?")
    issuer = vault.house.site.issuer
    assert query_of(back) == {"sharing_request": made.id, "state": "s", "iss": issuer}
    assert await shared(vault, ada) == {client: ("calendar_read",)}
    after = await told(vault, through(ada, client), made)
    assert (after.state, after.connection_id) == ("completed", connection)
    [event] = vault.named("connection:consent:given")
    assert event.sharing_request_id == made.id
    assert (await vault.token(ada, connection, client_id=client, use="proxy")).raw_access


async def test_a_no_is_told_as_one_and_shares_nothing(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault)
    await vault.connect(ada, account=ADA, features=("calendar_read",))
    made = await asked(vault, through(ada, client))
    asking = await seen(vault, ada, made)
    back = await vault.run(lambda work: deny(work, asking), actor=ada)
    assert query_of(back)["error"] == "declined"
    after = await told(vault, through(ada, client), made)
    assert (after.state, after.reason, after.connection_id) == ("refused", "declined", "")
    assert await shared(vault, ada) == {}
    assert len(vault.named("connection:sharing:refused")) == 1
    with pytest.raises(InvalidInput, match="link_invalid"):
        await seen(vault, ada, made)


async def test_an_answer_counts_once_whoever_answers_at_the_same_time(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault)
    connection = await vault.connect(ada, account=ADA, features=("calendar_read",))
    made = await asked(vault, through(ada, client))
    asking = await seen(vault, ada, made)

    async def yes(work: Any) -> str:
        features = asking.accounts[0].features
        return await allow(work, vault.parts, asking, connection_id=connection, seen=features)

    answers = [vault.run(yes, actor=ada) for _ in range(4)]
    answers.append(vault.run(lambda work: deny(work, asking), actor=ada))
    ended = await asyncio.gather(*answers, return_exceptions=True)
    assert len([each for each in ended if isinstance(each, str)]) == 1
    losers = [each for each in ended if not isinstance(each, str)]
    assert {getattr(each, "code", each) for each in losers} == {"link_invalid"}
    after = await told(vault, through(ada, client), made)
    assert (await shared(vault, ada) == {}) is (after.state == "refused")


async def test_nobody_else_answers_sees_or_follows_it(vault: Vault) -> None:
    ada, bob = await vault.person(), await vault.person()
    client, other = await app(vault), await app(vault)
    await vault.connect(bob, account=GRACE, features=("calendar_read",))
    made = await asked(vault, through(ada, client))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await seen(vault, bob, made)
    for asker in (through(bob, client), through(ada, other), ada):
        with pytest.raises(NotFound, match="sharing_request_not_found"):
            await told(vault, asker, made)
    with pytest.raises(InvalidInput, match="link_invalid"):  # its id alone opens nothing
        await seen(vault, ada, made, by_link=False)
    forged = dataclasses.replace(made, url=made.url + "A")
    with pytest.raises(InvalidInput, match="link_invalid"):
        await seen(vault, ada, forged)
    for face in (through(ada, client), dataclasses.replace(ada, session_id="")):
        with pytest.raises(NotPermitted, match="browser_session_required"):
            await seen(vault, face, made)


async def test_a_link_runs_out_and_is_forgotten(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault)
    connection = await vault.connect(ada, account=ADA, features=("calendar_read",))
    made = await asked(vault, through(ada, client))
    asking = await seen(vault, ada, made)
    vault.house.clock.advance(dt.timedelta(minutes=15))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await seen(vault, ada, made)

    async def late(work: Any) -> str:
        features = asking.accounts[0].features
        return await allow(work, vault.parts, asking, connection_id=connection, seen=features)

    with pytest.raises(InvalidInput, match="link_invalid"):
        await vault.run(late, actor=ada)
    assert await shared(vault, ada) == {}
    after = await told(vault, through(ada, client), made)
    assert (after.state, after.expires_in) == ("expired", 0)
    assert await vault.run(sweep) == 0
    vault.house.clock.advance(dt.timedelta(days=1))
    assert await vault.run(sweep) == 1
    with pytest.raises(NotFound):
        await told(vault, through(ada, client), made)


async def test_what_a_client_asks_is_answered_by_whoever_signs_in(vault: Vault) -> None:
    bob, client = await vault.person(), await app(vault)
    connection = await vault.connect(bob, account=GRACE, features=("calendar_read",))
    machine = Actor("client", id=client, client_id=client, scope=SCOPE)
    made = await asked(vault, machine)
    await allowed(vault, bob, made, connection)
    assert (await told(vault, machine, made)).connection_id == connection
    assert await shared(vault, bob) == {client: ("calendar_read",)}
    with pytest.raises(NotFound, match="sharing_request_not_found"):
        await told(vault, through(bob, client), made)
    with pytest.raises(NotFound, match="connection_not_found"):  # it can't know whose
        await asked(vault, machine, connection_id=connection)


async def test_who_has_no_account_connects_one_and_comes_back(vault: Vault) -> None:
    ada, bob, client = await vault.person(), await vault.person(), await app(vault)
    machine = Actor("client", id=client, client_id=client, scope=SCOPE)
    made = await asked(vault, machine)
    asking = await seen(vault, ada, made)
    assert asking.accounts == []
    url = await vault.run(
        lambda work: connect_first(work, vault.parts, asking, connection_id=""), actor=ada
    )
    # From here on it is hers, in this session; the link opens it for nobody else any more.
    with pytest.raises(InvalidInput, match="link_invalid"):
        await seen(vault, bob, made)
    elsewhere = dataclasses.replace(ada, session_id="another-session")
    with pytest.raises(InvalidInput, match="link_invalid"):
        await seen(vault, elsewhere, made, by_link=False)
    connected = await vault.come_back(ada, await vault.simulated.approve(url, account=ADA))
    assert connected.return_to == f"/account/share/{made.id}"
    back = await allowed(vault, ada, made, connected.connection_id, by_link=False)
    assert query_of(back)["sharing_request"] == made.id


async def test_what_an_account_lacks_is_allowed_first_and_what_it_holds_is_switched_on(
    vault: Vault,
) -> None:
    ada, client = await vault.person(), await app(vault)
    connection = await vault.connect(ada, account=ADA, features=("calendar_read", "drive_read"))
    made = await asked(vault, through(ada, client), "drive_read", "gmail_read")
    [account] = (await seen(vault, ada, made)).accounts
    assert (account.state, account.missing) == ("lacks", ("gmail_read",))
    with pytest.raises(InvalidInput, match="account_invalid"):
        await allowed(vault, ada, made, connection)

    def switch_off(work: Any) -> Any:
        return deactivate(work, connection_id=connection, owner_id=ada.id, feature="drive_read")

    await vault.run(switch_off, actor=ada)
    again = await asked(vault, through(ada, client), "drive_read")
    [account] = (await seen(vault, ada, again)).accounts
    assert account.state == "ready"
    await allowed(vault, ada, again, connection)
    assert (await vault.shown(ada, connection)).features["drive_read"] == "active"


async def test_a_key_is_shared_whole_or_not_at_all(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault, "raw")
    connection = await vault.connect(ada, account=ADA, features=("calendar_read", "drive_read"))
    made = await asked(vault, through(ada, client))
    [account] = (await seen(vault, ada, made)).accounts
    assert (account.state, account.more) == ("ready", ("drive_read",))
    await allowed(vault, ada, made, connection)
    assert (await vault.token(ada, connection, client_id=client)).raw_access

    def switch_off(work: Any) -> Any:
        return deactivate(work, connection_id=connection, owner_id=ada.id, feature="drive_read")

    await vault.run(switch_off, actor=ada)
    again = await asked(vault, through(ada, client))
    [account] = (await seen(vault, ada, again)).accounts
    assert account.state == "too_broad"


async def test_nobody_agrees_to_what_the_page_did_not_name(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault, "raw")
    connection = await vault.connect(ada, account=ADA, features=("calendar_read", "drive_read"))
    made = await asked(vault, through(ada, client))
    asking = await seen(vault, ada, made)

    async def answer(work: Any) -> str:
        return await allow(
            work, vault.parts, asking, connection_id=connection, seen=("calendar_read",)
        )

    with pytest.raises(Conflict, match="sharing_changed"):
        await vault.run(answer, actor=ada)
    assert await shared(vault, ada) == {}
    assert (await told(vault, through(ada, client), made)).state == "pending"


async def test_one_connection_asked_for_by_name_is_the_only_one(vault: Vault) -> None:
    ada, bob, client = await vault.person(), await vault.person(), await app(vault)
    first = await vault.connect(ada, account=ADA, features=("calendar_read",))
    second = await vault.connect(ada, account=GRACE, features=("calendar_read",))
    theirs = await vault.connect(bob, account=GRACE, features=("calendar_read",))
    made = await asked(vault, through(ada, client), connection_id=first)
    assert [each.connection_id for each in (await seen(vault, ada, made)).accounts] == [first]
    both = await asked(vault, through(ada, client))
    found = [each.connection_id for each in (await seen(vault, ada, both)).accounts]
    assert found == [second, first]
    for wrong in (theirs, "none"):
        with pytest.raises(NotFound, match="connection_not_found"):
            await asked(vault, through(ada, client), connection_id=wrong)
    asking = await seen(vault, ada, both)
    with pytest.raises(InvalidInput, match="account_invalid"):
        await vault.run(
            lambda work: allow(work, vault.parts, asking, connection_id=theirs, seen=()), actor=ada
        )


REFUSED: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({"redirect_uri": "https://app.example/shared/more"}, "invalid_redirect_uri"),
    ({"redirect_uri": "https://evil.example/"}, "invalid_redirect_uri"),
    ({"state": "two\nlines"}, "state_invalid"),
    ({"provider": "nobody"}, "provider_unknown"),
    ({"features": ("no_such",)}, "feature_unknown"),
    ({"features": ()}, "feature_unknown"),
)


async def test_what_can_not_be_asked(vault: Vault) -> None:
    ada, client = await vault.person(), await app(vault)
    for more, code in REFUSED:
        wanted = WantedSharing(**{"provider": "google", "features": ("calendar_read",), **more})

        def make(work: Any, wanted: WantedSharing = wanted) -> Any:
            return ask_to_share(work, vault.parts, wanted=wanted)

        with pytest.raises((InvalidInput, NotFound, OAuthRefusal), match=code):
            await vault.run(make, actor=through(ada, client))


async def test_who_may_not_ask(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, client, quiet = await vault.person(), await app(vault), await app(vault, "none")
    for person in (ada, dataclasses.replace(through(ada, ""), client_id="")):
        with pytest.raises(NotPermitted, match="client_required"):
            await asked(vault, person)
    with pytest.raises(NotPermitted, match="release_not_allowed"):
        await asked(vault, through(ada, quiet))
    made = await asked(vault, through(ada, client))
    await vault.run(
        lambda work: set_release_policy(work, vault.parts, client_id=client, mode="none")
    )
    with pytest.raises(NotPermitted, match="release_not_allowed"):  # taken back meanwhile
        await seen(vault, ada, made)
    await vault.run(
        lambda work: set_release_policy(work, vault.parts, client_id=client, mode="raw")
    )
    monkeypatch.setattr(ask, "MOST_PENDING", 1)
    with pytest.raises(Throttled, match="too_many_sharing_requests"):
        await asked(vault, through(ada, client))


async def test_a_refused_release_says_where_to_ask_a_person_and_only_a_person(
    vault: Vault,
) -> None:
    admin, client = await vault.administrator(), await app(vault, "raw")
    own = await vault.connect(admin, account=ADA, features=("calendar_read",))
    with pytest.raises(NotPermitted, match="connection_consent_required") as refused:
        await vault.token(admin, own, client_id=client)
    assert refused.value.ask_at == "/api/v1/oauth/sharing-requests"
    ours = await vault.connect(admin, account=GRACE, features=("calendar_read",), for_tenant=True)
    tenants = dataclasses.replace(admin, id="(tenant)")
    with pytest.raises(NotPermitted, match="connection_consent_required") as refused:
        await vault.token(tenants, ours, client_id=client)
    assert refused.value.ask_at == ""
