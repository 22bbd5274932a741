"""Connect sessions: begun by an app, confirmed by the person, and nobody else hears of it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from typing import Any

import pytest

from limen.db.outbox import Delivery
from limen.federation.finish import Callback
from limen.kernel.actor import Actor
from limen.kernel.errors import (
    Conflict,
    InvalidInput,
    MalformedRequest,
    NotFound,
    NotPermitted,
    Throttled,
)
from limen.kernel.secret import Secret
from limen.kernel.tokens import token_hash
from limen.protocol.params import parse_params
from limen.protocol.pkce import new_verifier, s256
from limen.vault.connect import ConnectedAccount, WantedConnection, begin_connect, finish_connect
from limen.vault.connect_link import look_at_link, take_link
from limen.vault.disconnect import disconnect
from limen.vault.listing import list_connections
from limen.vault.sessions import make
from limen.vault.sessions.confirm import confirm, decline, look_at_held
from limen.vault.sessions.end import decline_link, fail_journey, sweep
from limen.vault.sessions.follow import ShownSession, get_session, redeem_session
from limen.vault.sessions.hold import KIND, hold, unconfirmed_handler
from limen.vault.sessions.make import App, MadeSession, make_session
from limen.vault.sessions.store import leave
from tests.simulated import ADA, GRACE, NOTION_ADA, query_of
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
VERIFIER = new_verifier()
APP = App(state="xyz", challenge=s256(VERIFIER))


def through(actor: Actor, client_id: str = "agent") -> Actor:
    """The same person, as a client of theirs asks."""
    scope = frozenset({"connections:connect", "connections:service"})
    return dataclasses.replace(actor, session_id="", client_id=client_id, scope=scope)


async def made(vault: Vault, actor: Actor, provider: str = "google", **wanted: Any) -> MadeSession:
    asked = WantedConnection(provider=provider, **wanted)
    return await vault.run(
        lambda work: make_session(work, vault.parts, wanted=asked, app=APP), actor=through(actor)
    )


async def to_callback(
    vault: Vault, actor: Actor, link: MadeSession, *, account: str = "", **choices: Any
) -> str:
    """Open the link and agree at the provider, as the actor's browser does."""
    raw, provider = Secret(query_of(link.url)["link"]), link.url.split("/connect/")[1].split("?")[0]

    async def go(work: Any) -> str:
        wanted = await look_at_link(work, provider=provider, raw_link=raw)
        url = await begin_connect(work, vault.parts, wanted=wanted)
        await take_link(work, provider=provider, raw_link=raw)
        state_hash = token_hash(Secret(query_of(url)["state"]))
        assert await leave(work, wanted.session_id, state_hash=state_hash)
        return url

    url = (await vault.run(go, actor=actor)).replace("login_hint", "ignored_hint")
    return await vault.simulated.approve(url, account=account, **choices)


async def come_back(
    vault: Vault, actor: Actor, callback_url: str, provider: str = "google"
) -> ConnectedAccount:
    params = parse_params(callback_url.partition("?")[2].encode())
    callback = Callback(params=params, provider=provider, purpose="connect", actor=actor)
    return await finish_connect(vault.parts, vault.house.site, callback=callback, hold=hold)


async def held(vault: Vault, actor: Actor, **wanted: Any) -> MadeSession:
    """A session that waits to be confirmed."""
    account = wanted.pop("account", ADA)
    link = await made(vault, actor, **wanted)
    provider = wanted.get("provider", "google")
    await come_back(vault, actor, await to_callback(vault, actor, link, account=account), provider)
    return link


async def answer(vault: Vault, actor: Actor, session_id: str, use: Any = confirm) -> str:
    async def body(work: Any) -> str:
        found = await look_at_held(work, vault.parts, provider="google", session_id=session_id)
        return str(await use(work, vault.parts, found))

    return await vault.run(body, actor=actor)


async def told(vault: Vault, actor: Actor, session_id: str) -> ShownSession:
    return await vault.run(lambda work: get_session(work, session_id), actor=actor)


async def connected(vault: Vault, actor: Actor) -> list[str]:
    shown = await vault.run(lambda work: list_connections(work, vault.parts, user_id=actor.id))
    return [each.id for each in shown]


async def test_f37_nothing_is_in_use_before_the_person_confirmed(vault: Vault) -> None:
    ada = await vault.person()
    link = await held(vault, ada)
    assert await connected(vault, ada) == []
    assert vault.named("connection:account:connected") == []
    assert (await told(vault, through(ada), link.id)).state == "pending"
    back = await answer(vault, ada, link.id)
    [connection_id] = await connected(vault, ada)
    assert connection_id not in back
    shown = await told(vault, through(ada), link.id)
    assert (shown.state, shown.connection_id) == ("completed", connection_id)
    [event] = vault.named("connection:account:connected")
    assert event.connect_session_id == link.id
    assert (await vault.token(ada, connection_id)).generation == 1


async def test_f37_only_the_session_that_left_confirms(vault: Vault) -> None:
    ada, mallory = await vault.person(), await vault.person()
    link = await held(vault, ada)
    for other in (mallory, dataclasses.replace(ada, session_id="another")):
        with pytest.raises(InvalidInput, match="confirmation_invalid"):
            await answer(vault, other, link.id)
    await answer(vault, ada, link.id)
    with pytest.raises(InvalidInput, match="confirmation_invalid"):
        await answer(vault, ada, link.id)


async def test_f39_what_comes_back_for_a_connection_that_is_gone_is_revoked(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    link = await made(vault, ada, connection_id=connection_id)
    callback = await to_callback(vault, ada, link, account=ADA)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id),
        actor=ada,
    )
    assert await vault.outbox() == []
    with pytest.raises(NotFound, match="connection_not_found"):
        await come_back(vault, ada, callback)
    assert await vault.outbox() == []
    assert len((await vault.simulated.seen("google"))["revocations"]) == 2


async def test_f37_a_journey_begun_elsewhere_never_ends_without_the_page(vault: Vault) -> None:
    ada = await vault.person()
    callback = await to_callback(vault, ada, await made(vault, ada))
    with pytest.raises(NotPermitted, match="confirmation_required"):
        await vault.come_back(ada, callback)
    assert await connected(vault, ada) == []


async def test_f37_a_link_is_nothing_to_another_and_works_once(vault: Vault) -> None:
    ada, mallory = await vault.person(), await vault.person()
    link = await made(vault, ada)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await to_callback(vault, mallory, link)
    await to_callback(vault, ada, link)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await to_callback(vault, ada, link)


async def test_of_many_answers_one_counts(vault: Vault) -> None:
    ada = await vault.person()
    link = await held(vault, ada)
    answers = await asyncio.gather(
        *(answer(vault, ada, link.id) for _ in range(4)), return_exceptions=True
    )
    assert sorted(isinstance(each, str) for each in answers) == [False, False, False, True]
    assert len(await connected(vault, ada)) == 1


async def test_the_code_is_redeemed_once_with_the_verifier_by_who_asked(vault: Vault) -> None:
    ada = await vault.person()
    link = await held(vault, ada)
    back = query_of(await answer(vault, ada, link.id))
    assert (back["session"], back["state"]) == (link.id, "xyz")
    raw_code = Secret(back["code"])

    async def redeem(actor: Actor, verifier: Secret[str] = VERIFIER) -> ShownSession:
        return await vault.run(
            lambda work: redeem_session(work, link.id, raw_code=raw_code, raw_verifier=verifier),
            actor=actor,
        )

    for wrong in (through(ada, "other"), ada, through(await vault.person())):
        with pytest.raises(InvalidInput, match="code_invalid"):
            await redeem(wrong)
    with pytest.raises(InvalidInput, match="code_invalid"):
        await redeem(through(ada), new_verifier())
    assert [(await redeem(through(ada))).connection_id] == await connected(vault, ada)
    with pytest.raises(InvalidInput, match="code_invalid"):
        await redeem(through(ada))


async def test_a_code_ends_after_two_minutes(vault: Vault) -> None:
    ada = await vault.person()
    link = await held(vault, ada)
    raw_code = Secret(query_of(await answer(vault, ada, link.id))["code"])
    vault.house.clock.advance(dt.timedelta(minutes=2))
    with pytest.raises(InvalidInput, match="code_invalid"):
        await vault.run(
            lambda work: redeem_session(work, link.id, raw_code=raw_code, raw_verifier=VERIFIER),
            actor=through(ada),
        )


async def test_only_who_asked_may_follow(vault: Vault) -> None:
    ada = await vault.person()
    link = await made(vault, ada)
    for other in (ada, through(ada, "other"), through(await vault.person())):
        with pytest.raises(NotFound, match="connect_session_not_found"):
            await told(vault, other, link.id)
    vault.house.clock.advance(dt.timedelta(minutes=16))
    assert (await told(vault, through(ada), link.id)).state == "expired"
    vault.house.clock.advance(dt.timedelta(days=1))
    assert await vault.run(sweep) == 1


async def test_f43_what_is_declined_is_revoked_at_the_provider(vault: Vault) -> None:
    ada = await vault.person()
    link = await held(vault, ada)
    back = query_of(await answer(vault, ada, link.id, decline))
    assert (back["error"], back["state"], back.get("code")) == ("declined", "xyz", None)
    shown = await told(vault, through(ada), link.id)
    assert (shown.state, shown.reason, shown.connection_id) == ("refused", "declined", "")
    assert await vault.outbox() == []
    assert (await vault.simulated.seen("google"))["live_refresh_tokens"] == []
    assert await connected(vault, ada) == []


async def test_f43_what_is_never_confirmed_is_revoked_too(vault: Vault) -> None:
    ada = await vault.person()
    link = await held(vault, ada)
    handle = unconfirmed_handler(vault.parts)
    due = Delivery(vault.house.site, "1", KIND, link.id.encode(), 1)
    await handle(due)
    assert (await told(vault, through(ada), link.id)).state == "pending"
    vault.house.clock.advance(dt.timedelta(minutes=11))
    with pytest.raises(InvalidInput, match="confirmation_invalid"):
        await answer(vault, ada, link.id)
    await handle(due)
    await handle(due)
    assert (await told(vault, through(ada), link.id)).reason == "unconfirmed"
    assert await vault.outbox() == []
    assert len((await vault.simulated.seen("google"))["revocations"]) == 1


async def test_declining_spares_the_account_where_it_is_connected(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    kept = await vault.connect(grace, account=ADA)
    link = await held(vault, ada)
    await answer(vault, ada, link.id, decline)
    assert await vault.outbox() == []
    assert (await vault.simulated.seen("google"))["revocations"] == []
    assert (await vault.token(grace, kept)).generation == 2


async def test_f35_renewing_is_pinned_before_anybody_is_asked(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    before = await vault.token(ada, connection_id)
    link = await made(vault, ada, connection_id=connection_id)
    callback = await to_callback(vault, ada, link, account=GRACE)
    raw_state = query_of(callback)["state"]
    with pytest.raises(Conflict, match="account_mismatch"):
        await come_back(vault, ada, callback)
    back = await vault.run(
        lambda work: fail_journey(work, raw_state=Secret(raw_state), reason="account_mismatch"),
        actor=ada,
    )
    assert back is not None
    assert query_of(back)["error"] == "account_mismatch"
    assert (await told(vault, through(ada), link.id)).reason == "account_mismatch"
    assert (await vault.token(ada, connection_id)).raw_access == before.raw_access
    with pytest.raises(InvalidInput, match="confirmation_invalid"):
        await answer(vault, ada, link.id)


async def test_f35_renewing_somebody_elses_is_refused_at_once(vault: Vault) -> None:
    connection_id = await vault.connect(await vault.person())
    with pytest.raises(NotFound, match="connection_not_found"):
        await made(vault, await vault.person(), connection_id=connection_id)


async def test_a_right_lost_meanwhile_keeps_nothing(vault: Vault) -> None:
    admin = await vault.administrator()
    link = await held(vault, admin, for_tenant=True)
    await vault.demote(admin)
    with pytest.raises(NotPermitted):
        await answer(vault, admin, link.id)
    assert vault.named("connection:account:connected") == []


async def test_saying_no_at_once_or_at_the_provider_ends_it(vault: Vault) -> None:
    ada = await vault.person()
    link = await made(vault, ada)
    raw = Secret(query_of(link.url)["link"])
    back = await vault.run(
        lambda work: decline_link(work, provider="google", raw_link=raw), actor=ada
    )
    assert query_of(back)["error"] == "declined"
    assert (await told(vault, through(ada), link.id)).state == "refused"
    again = await made(vault, ada)
    callback = await to_callback(vault, ada, again, deny=True)
    with pytest.raises(MalformedRequest, match="provider_denied"):
        await come_back(vault, ada, callback)


async def test_an_app_that_wants_the_browser_back_proves_itself(vault: Vault) -> None:
    ada = await vault.person()
    strange = WantedConnection(provider="google", return_to="https://app.example/done")
    for app, code in (
        (App(), "code_challenge_required"),
        (App(challenge="short"), "code_challenge_invalid"),
        (APP, "return_to_invalid"),
    ):
        with pytest.raises(InvalidInput, match=code):
            await vault.run(
                lambda work, app=app: make_session(  # type: ignore[misc]  # mypy can't infer it
                    work, vault.parts, wanted=strange, app=app
                ),
                actor=through(ada),
            )


async def test_nobody_keeps_any_number_of_sessions_open(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "MOST_PENDING", 2)
    ada, grace = await vault.person(), await vault.person()
    for _ in range(2):
        await made(vault, ada)
    with pytest.raises(Throttled, match="too_many_connect_sessions"):
        await made(vault, ada)
    await made(vault, grace)
    vault.house.clock.advance(dt.timedelta(minutes=16))
    await made(vault, ada)


async def test_a_machine_of_nobody_makes_no_session(vault: Vault) -> None:
    machine = Actor("client", id="m", client_id="m", scope=frozenset({"connections:connect"}))
    with pytest.raises(NotPermitted, match="user_required"):
        await vault.run(
            lambda work: make_session(
                work, vault.parts, wanted=WantedConnection(provider="google"), app=APP
            ),
            actor=machine,
        )


async def test_n277_what_is_held_is_as_sealed_as_anything(vault: Vault) -> None:
    ada = await vault.person()
    link = await made(vault, ada, "notion")
    callback = await to_callback(vault, ada, link, account=NOTION_ADA)
    await come_back(vault, ada, callback, "notion")

    async def look(work: Any) -> Any:
        return await look_at_held(work, vault.parts, provider="notion", session_id=link.id)

    found = await vault.run(look, actor=ada)
    sealed = found.session.sealed_answer
    assert found.finished.answer.raw_access.reveal().encode() not in sealed
    assert found.finished.identity.label
