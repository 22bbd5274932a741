"""Codes and recovery codes: of twenty who use one at once, one is in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from limen.db.work import Work
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.mfa.enrol_totp import begin_enrolment, confirm_enrolment
from limen.mfa.factors import factors_of
from limen.mfa.prove import prove_second_factor
from limen.sessions.listing import list_sessions
from limen.signin.steps.enter import go_on
from limen.signin.steps.underway import Underway, Waiting
from limen.signin.steps.waiting import find_underway
from tests.house import House, house
from tests.unit.mfa.kit import App, enrolled

__all__ = ["house"]
pytestmark = pytest.mark.anyio
CALLERS = 20


async def winners(attempt: Callable[[int], Awaitable[object]]) -> int:
    gate = asyncio.Event()

    async def once(number: int) -> bool:
        await gate.wait()
        try:
            await attempt(number)
        except Refusal:
            return False
        return True

    racing = [asyncio.create_task(once(number)) for number in range(CALLERS)]
    gate.set()
    return sum(await asyncio.gather(*racing))


async def test_n167_one_code_proves_once(house: House) -> None:
    person = await enrolled(house)
    code = Secret(person.app.code())

    async def prove(work: Work) -> None:
        await prove_second_factor(
            work, envelope=house.envelope, user_id=person.user.id, raw_code=code
        )

    assert await winners(lambda _: house.works.run(house.site, prove)) == 1


async def test_one_recovery_code_proves_once(house: House) -> None:
    person = await enrolled(house)

    async def prove(work: Work) -> None:
        await prove_second_factor(
            work,
            envelope=house.envelope,
            user_id=person.user.id,
            raw_code=Secret(person.recovery[0]),
        )

    assert await winners(lambda _: house.works.run(house.site, prove)) == 1
    left = await house.run(lambda work: factors_of(work, person.user.id))
    assert left.recovery_codes_left == 9


async def test_one_confirmation_enrols(house: House) -> None:
    user = await house.user()
    begun = await house.run(
        lambda work: begin_enrolment(work, envelope=house.envelope, user_id=user.id)
    )
    code = Secret(App.of(house.clock, begun.raw_secret.reveal()).code())

    async def confirm(work: Work) -> None:
        await confirm_enrolment(
            work,
            envelope=house.envelope,
            user_id=user.id,
            factor_id=begun.factor_id,
            raw_code=code,
        )

    assert await winners(lambda _: house.works.run(house.site, confirm)) == 1
    left = await house.run(lambda work: factors_of(work, user.id))
    assert left.recovery_codes_left == 10


async def test_one_session_comes_of_one_way_in(house: House) -> None:
    person = await enrolled(house)

    async def begin(work: Work) -> Waiting:
        waiting = await go_on(work, underway=Underway(user_id=person.user.id, amr=("pwd",)))
        assert isinstance(waiting, Waiting)
        return waiting

    raw = (await house.run(begin)).raw_token
    assert raw is not None
    underway = await house.run(lambda work: find_underway(work, raw_token=raw))
    proven = Underway(
        user_id=underway.user_id, amr=("pwd", "otp", "mfa"), token_hash=underway.token_hash
    )

    async def enter(work: Work) -> None:
        await go_on(work, underway=proven)

    assert await winners(lambda _: house.works.run(house.site, enter)) == 1
    sessions = await house.run(lambda work: list_sessions(work, user_id=person.user.id))
    assert len(sessions) == 1
