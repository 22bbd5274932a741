"""N133: another address is the person's once its mailbox is proven, in their own session."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt

import pytest

from limen.accounts.change_email import ask_to_change_email, confirm_email_change
from limen.accounts.change_password import change_password
from limen.accounts.directory import find_user_by_email, get_user
from limen.accounts.recover import forgot_password, reset_password
from limen.accounts.user import User
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, InvalidInput, ReauthenticationRequired
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from tests.house import OTHER_PASSWORD, PASSWORD, House

pytestmark = pytest.mark.anyio

OLD, NEW, NEWER = "ada@example.com", "lovelace@example.net", "countess@example.org"


@pytest.fixture
async def ada(house: House) -> User:
    return await house.user(OLD)


@pytest.fixture
async def actor(house: House, ada: User) -> Actor:
    return (await house.signed_in(ada))[0]


async def ask(house: House, actor: Actor, email: str) -> None:
    await house.run(
        lambda work: ask_to_change_email(work, email=email, envelope=house.envelope), actor=actor
    )


async def confirm(house: House, actor: Actor, token: Secret[str]) -> User:
    return await house.run(
        lambda work: confirm_email_change(work, raw_token=token, envelope=house.envelope),
        actor=actor,
    )


async def subjects(house: House, to: str) -> list[str]:
    return [mail.subject for mail in await house.mails(to)]


async def test_n133_the_new_address_counts_once_it_is_proven(
    house: House, ada: User, actor: Actor
) -> None:
    await ask(house, actor, " Lovelace@Example.NET ")
    assert (await house.run(lambda work: get_user(work, ada.id))).email == OLD
    assert await house.run(lambda work: find_user_by_email(work, NEW)) is None
    token = await house.newest_link(NEW)
    changed = await confirm(house, actor, token)
    assert (changed.email, changed.is_verified) == (NEW, True)
    assert await house.run(lambda work: get_user(work, ada.id)) == changed
    assert await house.run(lambda work: find_user_by_email(work, OLD)) is None
    told = await subjects(house, OLD)
    assert any("Another e-mail address" in subject for subject in told)
    assert any("was changed" in subject for subject in told)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await confirm(house, actor, token)


async def test_n133_until_then_the_old_address_opens_a_reset_and_afterwards_not(
    house: House, actor: Actor
) -> None:
    await ask(house, actor, NEW)
    change = await house.newest_link(NEW)
    await house.run(lambda work: forgot_password(work, email=OLD, envelope=house.envelope))
    reset = await house.newest_link(OLD)
    await confirm(house, actor, change)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await house.run(
            lambda work: reset_password(
                work,
                raw_token=reset,
                raw_password=Secret(OTHER_PASSWORD),
                hasher=house.hasher,
                envelope=house.envelope,
            )
        )


async def test_n133_a_link_that_was_replaced_opens_nothing(house: House, actor: Actor) -> None:
    await ask(house, actor, NEW)
    first = await house.newest_link(NEW)
    await ask(house, actor, NEWER)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await confirm(house, actor, first)
    assert (await confirm(house, actor, await house.newest_link(NEWER))).email == NEWER


async def test_n133_a_link_is_good_in_no_other_session_and_stays_whole(
    house: House, actor: Actor
) -> None:
    mallory, _ = await house.signed_in(await house.user("mallory@example.com"))
    await ask(house, actor, NEW)
    token = await house.newest_link(NEW)
    for other in (mallory, Actor(kind="anonymous")):
        with pytest.raises(InvalidInput, match="link_invalid"):
            await confirm(house, other, token)
    elsewhere = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
    with pytest.raises(InvalidInput, match="link_invalid"):
        await house.works.run(
            elsewhere,
            lambda work: confirm_email_change(work, raw_token=token, envelope=house.envelope),
            actor=actor,
        )
    assert (await confirm(house, actor, token)).email == NEW


async def test_n133_an_address_with_an_account_is_told_and_given_to_nobody(
    house: House, ada: User, actor: Actor
) -> None:
    bob = await house.user(NEW)
    before = len(await house.mails(NEW))
    await ask(house, actor, NEW)  # the answer is as any other
    [told] = (await house.mails(NEW))[: len(await house.mails(NEW)) - before]
    assert "/account/email?token=" not in told.text
    assert await house.run(lambda work: find_user_by_email(work, NEW)) == bob
    assert (await house.run(lambda work: get_user(work, ada.id))).email == OLD


async def test_n133_who_proves_an_address_first_has_it(house: House, actor: Actor) -> None:
    other, _ = await house.signed_in(await house.user("grace@example.com"))
    await ask(house, actor, NEW)
    mine = await house.newest_link(NEW)
    await ask(house, other, NEW)
    theirs = await house.newest_link(NEW)
    answers = await asyncio.gather(
        confirm(house, actor, mine), confirm(house, other, theirs), return_exceptions=True
    )
    lost = [each for each in answers if isinstance(each, Conflict)]
    assert [each.code for each in lost] == ["email_taken"]
    assert len([each for each in answers if isinstance(each, User)]) == 1


async def test_n133_it_takes_a_recent_sign_in_and_another_address(
    house: House, actor: Actor
) -> None:
    with pytest.raises(InvalidInput, match="email_unchanged"):
        await ask(house, actor, "ADA@example.com")
    with pytest.raises(InvalidInput, match="email_invalid"):
        await ask(house, actor, "no address")
    house.clock.advance(dt.timedelta(hours=2))
    with pytest.raises(ReauthenticationRequired):
        await ask(house, actor, NEW)


async def test_n133_a_link_is_good_for_a_day(house: House, actor: Actor) -> None:
    await ask(house, actor, NEW)
    token = await house.newest_link(NEW)
    house.clock.advance(dt.timedelta(hours=24, seconds=1))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await confirm(house, actor, token)


async def test_n133_a_new_password_ends_what_somebody_else_asked_for(
    house: House, actor: Actor
) -> None:
    async def change() -> None:
        await house.run(
            lambda work: change_password(
                work,
                raw_current=Secret(PASSWORD),
                raw_new=Secret(OTHER_PASSWORD),
                hasher=house.hasher,
                envelope=house.envelope,
            ),
            actor=actor,
        )

    async def reset() -> None:
        await house.run(lambda work: forgot_password(work, email=OLD, envelope=house.envelope))
        raw = await house.newest_link(OLD)
        await house.run(
            lambda work: reset_password(
                work,
                raw_token=raw,
                raw_password=Secret(PASSWORD),
                hasher=house.hasher,
                envelope=house.envelope,
            )
        )

    for choose in (change, reset):
        await ask(house, actor, NEW)
        token = await house.newest_link(NEW)
        await choose()
        with pytest.raises(InvalidInput, match="link_invalid"):
            await confirm(house, actor, token)


async def test_n133_a_link_is_taken_in_a_session_alone(house: House, actor: Actor) -> None:
    await ask(house, actor, NEW)
    token = await house.newest_link(NEW)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await confirm(house, dataclasses.replace(actor, session_id=""), token)
    assert (await confirm(house, actor, token)).email == NEW
