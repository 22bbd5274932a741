from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

import pytest

from limen.crypto.envelope import Envelope
from limen.crypto.kms import LocalKey, WrappingKeys
from limen.db.work import Work, Works
from limen.kernel.errors import Throttled
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.signin import store
from limen.signin.budgets import DELAYS, Budget, sign_in_budgets, waiting_time
from limen.signin.throttle import Attempt, draw_attempt, forgive
from limen.testing.clock import FrozenClock

pytestmark = pytest.mark.anyio

KEY = b"k" * 32


@pytest.fixture
async def envelope(works: Works, site: Site) -> Envelope:
    made = Envelope(WrappingKeys(LocalKey(Secret(KEY))))
    await works.run(site, made.create_keys)
    return made


class Door:
    """Attempts, as sign-in makes them."""

    def __init__(self, works: Works, site: Site, envelope: Envelope) -> None:
        self.works, self.site, self.envelope = works, site, envelope

    async def knock(self, *budgets: Budget) -> Attempt:
        async def body(work: Work) -> Attempt:
            return await draw_attempt(self.works, work, envelope=self.envelope, budgets=budgets)

        return await self.works.run(self.site, body)

    async def passed(self, count: int, *budgets: Budget) -> int:
        results = [await self._try(budgets) for _ in range(count)]
        return sum(results)

    async def passed_at_once(self, count: int, *budgets: Budget) -> int:
        return sum(await asyncio.gather(*(self._try(budgets) for _ in range(count))))

    async def right(self, *budgets: Budget) -> None:
        attempt = await self.knock(*budgets)
        await self.works.run(self.site, lambda work: forgive(work, attempt))

    async def _try(self, budgets: Sequence[Budget]) -> bool:
        try:
            await self.knock(*budgets)
        except Throttled:
            return False
        return True


@pytest.fixture
def door(works: Works, site: Site, envelope: Envelope) -> Door:
    return Door(works, site, envelope)


ADA = Budget("pair", "192.0.2.1 ada", 5)


async def test_of_fifty_at_once_five_are_let_through(door: Door) -> None:
    assert await door.passed_at_once(50, ADA) == 5


async def test_who_began_before_another_does_not_wait_for_them(
    door: Door, clock: FrozenClock
) -> None:
    began_before = FrozenClock(clock.now() - dt.timedelta(milliseconds=1))
    earlier = Door(Works(door.works.database, began_before), door.site, door.envelope)
    assert await door.passed(1, ADA) == 1
    assert await earlier.passed(1, ADA) == 1, "after a draw"
    await door.right(ADA)
    assert await earlier.passed(1, ADA) == 1, "after one that was given back"


async def test_waiting_grows_and_is_bounded(door: Door, clock: FrozenClock) -> None:
    assert await door.passed(9, ADA) == 5
    for delay in (*DELAYS, DELAYS[-1], DELAYS[-1]):
        clock.advance(delay - dt.timedelta(seconds=1))
        assert await door.passed(2, ADA) == 0
        clock.advance(dt.timedelta(seconds=1))
        assert await door.passed(2, ADA) == 1


async def test_it_says_when_to_come_back(door: Door, clock: FrozenClock) -> None:
    await door.passed(5, ADA)
    clock.advance(dt.timedelta(seconds=10))
    with pytest.raises(Throttled) as refused:
        await door.knock(ADA)
    assert refused.value.retry_after_seconds == 21
    assert refused.value.public == "Too many attempts. Try again in a minute."


async def test_an_hour_of_quiet_fills_it_again(door: Door, clock: FrozenClock) -> None:
    await door.passed(8, ADA)
    clock.advance(dt.timedelta(hours=1))
    assert await door.passed(20, ADA) == 5


async def test_what_was_right_is_given_back_and_nothing_more(door: Door) -> None:
    assert await door.passed(4, ADA) == 4
    for _ in range(10):
        await door.right(ADA)
    assert await door.passed(9, ADA) == 1


async def test_right_answers_for_one_account_do_not_pay_for_guesses_at_another(door: Door) -> None:
    def budgets(account: str) -> tuple[Budget, ...]:
        return sign_in_budgets(account=account, block="192.0.2.66", device=None)

    guesses = 0
    for _ in range(80):
        await door.right(*budgets("mallory"))
        guesses += await door.passed(1, *budgets("ada"))
    assert guesses == 5


async def test_a_block_that_sprays_over_accounts_is_slowed_down(door: Door) -> None:
    passed = 0
    for number in range(70):
        victim = sign_in_budgets(account=f"user{number}", block="192.0.2.66", device=None)
        passed += await door.passed(1, *victim)
    assert passed == 50


async def test_many_blocks_guessing_at_one_account_are_slowed_down(door: Door) -> None:
    passed = 0
    for number in range(40):
        guess = sign_in_budgets(account="ada", block=f"192.0.2.{number}", device=None)
        passed += await door.passed(1, *guess)
    assert passed == 25


async def test_strangers_do_not_keep_a_known_device_out(door: Door) -> None:
    for number in range(40):
        await door.passed(
            6, *sign_in_budgets(account="ada", block=f"192.0.2.{number}", device=None)
        )
    known = sign_in_budgets(account="ada", block="192.0.2.1", device="d" * 22)
    assert await door.passed(9, *known) == 5


async def test_a_refused_attempt_draws_on_no_other_budget(door: Door) -> None:
    narrow, wide = Budget("pair", "x", 2), Budget("block", "x", 4)
    assert await door.passed(10, narrow, wide) == 2
    assert await door.passed(10, wide) == 2


async def test_tenants_do_not_share_budgets(door: Door) -> None:
    await door.passed(9, ADA)
    other = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
    await door.works.run(other, door.envelope.create_keys)
    assert await Door(door.works, other, door.envelope).passed(9, ADA) == 5


async def test_full_budgets_are_swept(door: Door, clock: FrozenClock) -> None:
    await door.passed(1, ADA)
    assert await door.works.run(door.site, store.sweep_throttles) == 0
    clock.advance(dt.timedelta(hours=1))
    assert await door.works.run(door.site, store.sweep_throttles) == 1


def test_stored_keys_do_not_tell_the_address() -> None:
    key = Secret(KEY)
    mine = Budget("account", "ada@example.org", 5)
    assert b"ada" not in mine.key_hash(key)
    assert mine.key_hash(key) != mine.key_hash(Secret(b"x" * 32))
    assert mine.key_hash(key) != Budget("pair", "ada@example.org", 5).key_hash(key)


@pytest.mark.parametrize(
    ("credit", "seconds"), [(4, 0), (1, 0), (0, 30), (-1, 60), (-5, 900), (-99, 900)]
)
def test_waiting_time(credit: int, seconds: int) -> None:
    assert waiting_time(credit) == dt.timedelta(seconds=seconds)
