from __future__ import annotations

import datetime as dt
import functools

import pytest
import sqlalchemy as sa

from limen.accounts.change_profile import change_profile
from limen.accounts.check_password import check_password
from limen.accounts.create_user import NewUser, create_user
from limen.accounts.directory import (
    active_users_among,
    find_user_by_email,
    get_user,
    has_password,
    list_users,
)
from limen.accounts.ending.close_account import close_account
from limen.accounts.ending.disable_user import disable_user, enable_user
from limen.accounts.ending.end_all import BATCH, end_next
from limen.accounts.links import store as links
from limen.accounts.links.sweep import sweep
from limen.accounts.links.tell_of_reuse import tell_of_reuse
from limen.accounts.recover import forgot_password
from limen.accounts.sign_up import Registration, sign_up
from limen.accounts.store import find_hash
from limen.accounts.tables import account_tokens
from limen.accounts.user import User
from limen.crypto.passwords import Cost, PasswordHasher
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import token_hash
from limen.sessions.resume import resume
from limen.tokens.events import RefreshReused
from limen.tokens.principals import is_enabled
from tests.house import PASSWORD, House

pytestmark = pytest.mark.anyio

ADA = "ada@example.com"


async def sign_in(house: House, hasher: PasswordHasher | None = None) -> User:
    return await house.run(
        lambda work: check_password(
            work, email=ADA, raw=Secret(PASSWORD), hasher=hasher or house.hasher
        )
    )


async def links_left(house: House) -> int:
    count = sa.select(sa.func.count()).where(
        account_tokens.c.tenant_id == sa.bindparam("tenant_id")
    )

    async def body(work: Work) -> int:
        return int((await work.execute(count)).scalar())

    return await house.run(body)


async def test_a_new_person_can_be_found_and_hold_tokens(house: House) -> None:
    ada = await house.user(" ADA@Example.com ")
    assert (ada.email, ada.is_active, ada.is_verified) == (ADA, True, True)
    assert await house.run(lambda work: get_user(work, ada.id)) == ada
    assert await house.run(lambda work: find_user_by_email(work, "Ada@example.com")) == ada
    assert await house.run(lambda work: is_enabled(work, principal_id=ada.id))
    assert await house.run(lambda work: has_password(work, ada.id))
    assert await house.run(lambda work: find_user_by_email(work, "not an address")) is None
    with pytest.raises(Conflict, match="email_taken"):
        await house.user("ada@EXAMPLE.com")


async def test_people_of_another_tenant_are_not_found(house: House) -> None:
    ada = await house.user(ADA)
    other = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")

    async def body(work: Work) -> list[User]:
        assert await find_user_by_email(work, ADA) is None
        with pytest.raises(NotFound):
            await get_user(work, ada.id)
        return await list_users(work)

    assert await house.works.run(other, body) == []


async def test_an_operators_password_obeys_the_rules_unless_lifted(house: House) -> None:
    async def create(check_rules: bool) -> User:
        new = NewUser(email=ADA, password=Secret("short"), check_rules=check_rules)
        return await house.run(lambda work: create_user(work, new=new, hasher=house.hasher))

    with pytest.raises(InvalidInput, match="password_too_short"):
        await create(check_rules=True)
    assert (await create(check_rules=False)).email == ADA


async def test_people_are_listed_page_by_page(house: House) -> None:
    made = [await house.user() for _ in range(5)]
    first = await house.run(lambda work: list_users(work, limit=3))
    rest = await house.run(lambda work: list_users(work, after=first[-1].id))
    assert first + rest == made
    assert await house.run(lambda work: list_users(work, email=made[2].email or "")) == [made[2]]


async def test_a_disabled_person_is_out_at_once_and_old_cookies_stay_dead(house: House) -> None:
    ada = await house.user(ADA)
    _, cookie = await house.signed_in(ada)
    for _ in range(2):
        await house.run(lambda work: disable_user(work, user_id=ada.id))
    assert await house.run(lambda work: resume(work, raw=cookie)) is None
    assert not await house.run(lambda work: is_enabled(work, principal_id=ada.id))
    assert await house.run(lambda work: active_users_among(work, [ada.id])) == set()
    with pytest.raises(NotAuthenticated):
        await sign_in(house)
    for _ in range(2):
        await house.run(lambda work: enable_user(work, user_id=ada.id))
    assert await house.run(lambda work: resume(work, raw=cookie)) is None
    assert (await sign_in(house)).id == ada.id
    with pytest.raises(NotFound):
        await house.run(lambda work: disable_user(work, user_id="nobody"))


async def test_a_closed_account_keeps_nothing_of_the_person(house: House) -> None:
    ada = await house.user(ADA)
    await house.run(
        lambda work: change_profile(work, user_id=ada.id, changes={"name": "Ada", "gender": "f"})
    )
    await house.run(lambda work: forgot_password(work, email=ADA, envelope=house.envelope))
    assert len(await house.mails()) == 1
    await house.run(lambda work: close_account(work, user_id=ada.id))
    assert await links_left(house) == 0
    assert not await house.run(lambda work: has_password(work, ada.id))
    assert await house.run(lambda work: find_user_by_email(work, ADA)) is None
    assert await house.run(list_users) == []
    with pytest.raises(NotFound):
        await house.run(lambda work: enable_user(work, user_id=ada.id))


async def test_a_profile_keeps_what_was_not_named(house: House) -> None:
    ada = await house.user(ADA)

    async def change(changes: dict[str, object]) -> dict[str, object]:
        changed = await house.run(
            lambda work: change_profile(work, user_id=ada.id, changes=changes)
        )
        return changed.claims

    await change({"name": "Ada", "locale": "en"})
    assert await change({"name": None, "nickname": "A"}) == {"locale": "en", "nickname": "A"}
    with pytest.raises(NotFound):
        await house.run(lambda work: change_profile(work, user_id="nobody", changes={}))


async def test_a_hash_is_renewed_at_sign_in_when_its_cost_is_old(house: House) -> None:
    ada = await house.user(ADA)
    before = await house.run(lambda work: find_hash(work, ada.id))
    dearer = PasswordHasher(cost=Cost(memory_kib=16, passes=1))
    assert (await sign_in(house, dearer)).id == ada.id
    after = await house.run(lambda work: find_hash(work, ada.id))
    assert before is not None
    assert after is not None
    assert ("m=8," in before, "m=16," in after) == (True, True)
    assert (await sign_in(house, dearer)).id == ada.id
    dearer.close()


async def test_a_link_opens_its_own_purpose_alone(house: House) -> None:
    await house.user(ADA)
    await house.run(lambda work: forgot_password(work, email=ADA, envelope=house.envelope))
    hashed = token_hash(await house.newest_link(ADA))

    async def take(purpose: links.Purpose) -> links.AccountToken | None:
        return await house.run(
            lambda work: links.take_token(work, token_hash=hashed, purpose=purpose)
        )

    assert await take("verify") is None
    assert await take("reset") is not None
    assert await take("reset") is None


async def test_expired_links_are_swept(house: House) -> None:
    registration = Registration(email=ADA, password=Secret(PASSWORD))
    await house.run(
        lambda work: sign_up(
            work, registration=registration, hasher=house.hasher, envelope=house.envelope
        )
    )
    assert await house.run(sweep) == 0
    house.clock.advance(dt.timedelta(days=2))
    assert await house.run(sweep) == 1


async def test_a_stolen_refresh_token_is_told_once_an_hour(house: House) -> None:
    ada = await house.user(ADA)

    async def name_of(_work: Work, client_id: str) -> str:
        return f"Calendar\r\n{client_id}"

    react = tell_of_reuse(house.envelope, name_of=name_of)
    event = RefreshReused(grant_id="g", client_id="app", user_id=ada.id, generation=2)
    for _ in range(3):
        await house.run(lambda work: react(work, event))
    (mail,) = await house.mails(ADA)
    assert "“Calendarapp”" in mail.text
    assert "http://localhost:8000/account" in mail.text
    house.clock.advance(dt.timedelta(hours=1))
    await house.run(lambda work: react(work, event))
    assert len(await house.mails(ADA)) == 2


async def test_n260_nothing_of_before_a_restore_lives_on(house: House) -> None:
    people = [await house.user() for _ in range(BATCH + 2)]
    cookies = [(await house.signed_in(each))[1] for each in people]

    async def living() -> int:
        found = [
            await house.run(functools.partial(resume, raw=cookie)) is not None
            for cookie in (cookies[0], cookies[-1])
        ]
        return sum(found)

    other = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
    assert await house.works.run(other, lambda work: end_next(work, after="")) == []
    assert await living() == 2
    last = people[-1].email or ""
    await house.run(lambda work: forgot_password(work, email=last, envelope=house.envelope))
    await house.mails(last)
    assert await links_left(house) == 1
    first = await house.run(lambda work: end_next(work, after=""))
    rest = await house.run(lambda work: end_next(work, after=first[-1]))
    assert [*first, *rest] == [each.id for each in people]
    assert await house.run(lambda work: end_next(work, after=rest[-1])) == []
    assert await living() == 0
    assert await links_left(house) == 0
