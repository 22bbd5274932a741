"""Connecting: who starts is who finishes, and what is kept is what was granted."""

from __future__ import annotations

import dataclasses
import datetime as dt
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from limen.db.types import Moment
from limen.db.work import Work
from limen.federation.finish import Callback, finish
from limen.kernel.errors import Conflict, InvalidInput, MalformedRequest, NotFound, NotPermitted
from limen.protocol.params import parse_params
from limen.vault.connect import keep_finished
from limen.vault.store import grants
from limen.vault.tables import upstream_grants
from tests.simulated import ADA, GRACE, NOTION_ADA, query_of
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"
DRIVE = "https://www.googleapis.com/auth/drive.readonly"


async def test_an_account_is_connected_and_gives_a_token(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    released = await vault.token(ada, connection_id)
    answer = await vault.simulated.http.get(
        f"{vault.simulated.base_url}/google/calendar/v3/users/me/calendarList",
        headers={"authorization": f"Bearer {released.raw_access.reveal()}"},
    )
    assert answer.status_code == 200
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.label) == ("active", "ada@example.test")
    assert dict(shown.features) == {"calendar_read": "active"}
    assert CALENDAR in shown.scopes


async def test_notion_is_connected_with_basic_json_and_no_scope(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    released = await vault.token(ada, connection_id)
    assert (released.expires_at, released.scopes) == (None, ())
    assert dict((await vault.shown(ada, connection_id)).features) == {"content": "active"}


async def test_f33_an_unticked_scope_is_recorded_and_nothing_is_raised(vault: Vault) -> None:
    ada = await vault.person()
    features = ("calendar_read", "drive_read")
    connection_id = await vault.connect(ada, features=features, untick=[DRIVE])
    shown = await vault.shown(ada, connection_id)
    assert dict(shown.features) == {"calendar_read": "active", "drive_read": "denied"}
    assert DRIVE not in shown.scopes


async def test_f37_another_user_can_not_finish(vault: Vault) -> None:
    ada, mallory = await vault.person(), await vault.person()
    callback = await vault.simulated.approve(await vault.leave(ada))
    with pytest.raises(MalformedRequest, match="callback_invalid"):
        await vault.come_back(mallory, callback)
    assert (await vault.simulated.seen("google"))["calls"].get("exchange") is None
    with pytest.raises(MalformedRequest, match="callback_invalid"):
        await vault.come_back(dataclasses.replace(mallory, session_id=ada.session_id), callback)
    await vault.come_back(ada, callback)  # and what is Ada's is still hers


async def test_another_session_of_the_same_user_can_not_finish(vault: Vault) -> None:
    ada = await vault.person()
    callback = await vault.simulated.approve(await vault.leave(ada))
    with pytest.raises(MalformedRequest, match="callback_invalid"):
        await vault.come_back(dataclasses.replace(ada, session_id="another"), callback)


async def test_a_state_works_once(vault: Vault) -> None:
    ada = await vault.person()
    callback = await vault.simulated.approve(await vault.leave(ada))
    await vault.come_back(ada, callback)
    with pytest.raises(MalformedRequest, match="callback_invalid"):
        await vault.come_back(ada, callback)


async def test_a_state_of_another_provider_is_refused(vault: Vault) -> None:
    ada = await vault.person()
    callback = await vault.simulated.approve(await vault.leave(ada, "google"))
    bare = callback.replace("&iss=", "&other=")
    with pytest.raises(MalformedRequest, match="callback_invalid"):
        await vault.come_back(ada, bare, "notion")
    assert (await vault.simulated.seen("notion"))["calls"].get("exchange") is None


async def test_a_state_ends_after_ten_minutes(vault: Vault) -> None:
    ada = await vault.person()
    callback = await vault.simulated.approve(await vault.leave(ada))
    vault.house.clock.advance(dt.timedelta(minutes=10))
    with pytest.raises(MalformedRequest, match="callback_invalid"):
        await vault.come_back(ada, callback)


async def test_only_a_browser_session_may_leave(vault: Vault) -> None:
    ada = await vault.person()
    bearer = dataclasses.replace(ada, scope=frozenset({"limen:full"}))
    for actor in (bearer, dataclasses.replace(ada, session_id="")):
        with pytest.raises(NotPermitted, match="browser_session_required"):
            await vault.leave(actor)


async def test_f35_renewing_is_pinned_to_the_account(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    before = await vault.token(ada, connection_id)
    url = await vault.leave(ada, connection_id=connection_id)
    assert query_of(url)["login_hint"] == ADA
    stubborn = url.replace("login_hint", "ignored_hint")
    callback = await vault.simulated.approve(stubborn, account=GRACE)
    with pytest.raises(Conflict, match="account_mismatch"):
        await vault.come_back(ada, callback)
    after = await vault.token(ada, connection_id)
    assert after.raw_access == before.raw_access
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("google")
    assert len(seen["revocations"]) == 1  # what Grace's account gave is dead again
    assert len(seen["live_refresh_tokens"]) == 1
    assert len(vault.named("connection:account:mismatched")) == 1


async def test_renewing_keeps_the_refresh_token_that_was_not_sent_again(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    url = await vault.leave(ada, connection_id=connection_id)
    assert "prompt" not in query_of(url)  # we hold one: no consent screen is forced
    await vault.come_back(ada, await vault.simulated.approve(url, account=ADA))
    vault.house.clock.advance(dt.timedelta(hours=2))
    assert (await vault.token(ada, connection_id)).generation == 3


async def test_renewing_asks_for_what_was_granted_before_too(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    url = await vault.leave(ada, connection_id=connection_id, features=("drive_read",))
    asked = query_of(url)["scope"].split()
    assert CALENDAR in asked
    assert DRIVE in asked
    assert len(asked) == len(set(asked))


async def test_two_accounts_of_a_provider_are_two_connections(vault: Vault) -> None:
    ada = await vault.person()
    one = await vault.connect(ada, account=ADA)
    two = await vault.connect(ada, account=GRACE)
    assert one != two
    assert (await vault.shown(ada, two)).label == "grace@example.test"


async def test_one_account_is_one_grant_for_all_who_connect_it(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    one = await vault.connect(ada, "notion", account=NOTION_ADA)
    two = await vault.connect(grace, "notion", account=NOTION_ADA)
    # Notion ended the older tokens; both connections have the newest.
    first, second = await vault.token(ada, one), await vault.token(grace, two)
    assert first.raw_access == second.raw_access
    assert first.generation == 2


async def test_of_two_consents_the_later_one_counts_whichever_is_kept_first(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    first, second = [
        await vault.simulated.approve(await vault.leave(ada, "notion"), account=NOTION_ADA)
        for _ in range(2)
    ]
    params = parse_params(urlsplit(first).query.encode())
    finished = await finish(
        vault.parts.federation,
        vault.house.site,
        callback=Callback(params=params, provider="notion", purpose="connect", actor=ada),
        find_provider=vault.parts.catalogue.get,
    )
    vault.house.clock.advance(dt.timedelta(milliseconds=5))
    await vault.come_back(ada, second, "notion")
    newest = await vault.token(ada, connection_id)
    kept = await vault.run(lambda work: keep_finished(work, vault.parts, finished), actor=ada)
    assert kept.connection_id == connection_id
    assert (await vault.token(ada, connection_id)).raw_access == newest.raw_access
    vault.house.clock.advance(dt.timedelta(minutes=10))
    # Notion ended the tokens of the first with the second.
    assert (await vault.token(ada, connection_id, seen_generation=newest.generation)).raw_access


async def test_a_consent_of_the_future_stands_in_nobodys_way(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    then = vault.house.clock.now() + dt.timedelta(days=365)  # as an import was told
    changed = sa.update(upstream_grants).values(consented_at=sa.bindparam("then", type_=Moment()))

    async def body(work: Work) -> None:
        await work.execute(changed, then=then)

    await vault.run(body)
    await vault.connect(ada, account=ADA, connection_id=connection_id)
    assert (await vault.shown(ada, connection_id)).generation == 2


async def test_tokens_are_sealed_at_rest(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    released = await vault.token(ada, connection_id)

    async def grant_of(work: object) -> bytes:
        found = await grants.find_grant(
            work,  # type: ignore[arg-type]  # a Work
            vault.named("connection:account:connected")[0].grant_id,
        )
        assert found is not None
        assert found.sealed_access is not None
        return found.sealed_access

    assert released.raw_access.reveal().encode() not in await vault.run(grant_of)


async def test_f34_a_missing_refresh_token_is_asked_for_with_a_consent_screen(vault: Vault) -> None:
    url = await vault.leave(await vault.person())
    assert query_of(url)["prompt"] == "consent"
    assert query_of(url)["access_type"] == "offline"
    assert query_of(url)["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    "return_to",
    [
        "//evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\\evil.example",
        "/a\nb",
        "https://[evil",
        "//[",
    ],
)
async def test_a_browser_is_sent_nowhere_strange(vault: Vault, return_to: str) -> None:
    with pytest.raises(InvalidInput, match="return_to_invalid"):
        await vault.leave(await vault.person(), return_to=return_to)


async def test_unknown_features_and_providers_are_refused(vault: Vault) -> None:
    ada = await vault.person()
    with pytest.raises(InvalidInput, match="feature_unknown"):
        await vault.leave(ada, features=("everything",))
    with pytest.raises(NotFound, match="provider_unknown"):
        await vault.leave(ada, "slack")


async def test_the_person_may_say_no(vault: Vault) -> None:
    ada = await vault.person()
    callback = await vault.simulated.approve(await vault.leave(ada), deny=True)
    with pytest.raises(MalformedRequest, match="provider_denied"):
        await vault.come_back(ada, callback)
