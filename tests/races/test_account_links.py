"""Links and codes that were mailed: of twenty who use one at once, one does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from limen.accounts.check_password import check_password
from limen.accounts.ending.disable_user import disable_user
from limen.accounts.recover import forgot_password, reset_password
from limen.accounts.sign_up import Registration, sign_up
from limen.accounts.verify_email import verify_email
from limen.db.work import Work
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.sessions.listing import list_sessions
from limen.sessions.start import start
from tests.house import PASSWORD, House, house

__all__ = ["house"]
pytestmark = pytest.mark.anyio

ADA = "ada@example.com"
CALLERS = 20


async def winners(attempt: Callable[[int], Awaitable[object]], *, callers: int = CALLERS) -> int:
    gate = asyncio.Event()

    async def once(number: int) -> bool:
        await gate.wait()
        try:
            await attempt(number)
        except Refusal:
            return False
        return True

    racing = [asyncio.create_task(once(number)) for number in range(callers)]
    gate.set()
    return sum(await asyncio.gather(*racing))


async def test_one_verification_succeeds(house: House) -> None:
    registration = Registration(email=ADA, password=Secret(PASSWORD))
    await house.run(
        lambda work: sign_up(
            work, registration=registration, hasher=house.hasher, envelope=house.envelope
        )
    )
    token = await house.newest_link(ADA)
    assert await winners(lambda _: house.run(lambda work: verify_email(work, raw_token=token))) == 1


async def test_one_reset_succeeds_and_its_password_is_the_one(house: House) -> None:
    await house.user(ADA)
    await house.run(lambda work: forgot_password(work, email=ADA, envelope=house.envelope))
    token = await house.newest_link(ADA)
    won: list[str] = []

    async def attempt(number: int) -> None:
        chosen = f"otter number {number} under the bridge"
        await house.run(
            lambda work: reset_password(
                work,
                raw_token=token,
                raw_password=Secret(chosen),
                hasher=house.hasher,
                envelope=house.envelope,
            )
        )
        won.append(chosen)

    assert await winners(attempt) == 1
    await house.run(
        lambda work: check_password(work, email=ADA, raw=Secret(won[0]), hasher=house.hasher)
    )


async def test_no_session_outlives_a_person_disabled_while_they_sign_in(house: House) -> None:
    ada = await house.user(ADA)

    async def sign_in(work: Work) -> None:
        user = await check_password(work, email=ADA, raw=Secret(PASSWORD), hasher=house.hasher)
        await start(work, user_id=user.id, amr=("pwd",))

    async def attempt(number: int) -> None:
        if number == CALLERS // 2:
            await house.run(lambda work: disable_user(work, user_id=ada.id))
        else:
            await house.run(sign_in)

    await winners(attempt)
    assert await house.run(lambda work: list_sessions(work, user_id=ada.id)) == []
