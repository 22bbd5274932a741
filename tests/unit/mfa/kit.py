"""People with an authenticator app, and the codes it shows."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.clock import Clock
from limen.kernel.secret import Secret
from limen.mfa.enrol_totp import Enrolment, begin_enrolment, confirm_enrolment
from limen.mfa.totp import STEP_SECONDS, hotp, step_at
from limen.testing.clock import FrozenClock
from tests.house import House


@dataclass
class App:
    """An authenticator app that knows one secret."""

    clock: Clock
    secret: Secret[bytes]

    @classmethod
    def of(cls, clock: Clock, base32: str) -> App:
        padded = base32.replace(" ", "") + "=" * (-len(base32.replace(" ", "")) % 8)
        return cls(clock, Secret(base64.b32decode(padded)))

    def code(self, *, later: int = 0) -> str:
        """The code it shows now, or some steps later."""
        return hotp(self.secret, step_at(self.clock.now()) + later)

    def next_code(self) -> str:
        """A code that was not shown before: time goes on by a step."""
        assert isinstance(self.clock, FrozenClock)
        self.clock.advance(dt.timedelta(seconds=STEP_SECONDS))
        return self.code()


@dataclass
class Person:
    user: User
    app: App
    recovery: list[str]


Run = Callable[[Callable[[Work], Awaitable[Any]]], Awaitable[Any]]


async def enrol(run: Run, *, envelope: Envelope, clock: FrozenClock, user_id: str) -> Any:
    """Give somebody a confirmed app; the code that confirmed it is spent, and its step over."""

    async def begin(work: Work) -> Enrolment:
        return await begin_enrolment(work, envelope=envelope, user_id=user_id)

    begun: Enrolment = await run(begin)
    app = App.of(clock, begun.raw_secret.reveal())

    async def confirm(work: Work) -> tuple[Secret[str], ...]:
        return await confirm_enrolment(
            work,
            envelope=envelope,
            user_id=user_id,
            factor_id=begun.factor_id,
            raw_code=Secret(app.code()),
        )

    codes = await run(confirm)
    clock.advance(dt.timedelta(seconds=STEP_SECONDS))
    return app, [code.reveal() for code in codes]


async def enrolled(house: House, email: str = "") -> Person:
    """A person with a confirmed app."""
    user = await house.user(email)
    app, recovery = await enrol(
        house.run, envelope=house.envelope, clock=house.clock, user_id=user.id
    )
    return Person(user, app, recovery)
