"""A tenant with keys, an audit log and a mailbox over a test's database, for use-case tests."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from limen.accounts.create_user import NewUser, create_user
from limen.accounts.links.account_mail import account_mail_handler
from limen.accounts.user import User
from limen.audit.record import record
from limen.crypto.envelope import Envelope
from limen.crypto.kms import LocalKey, WrappingKeys
from limen.crypto.passwords import Cost, PasswordHasher
from limen.db.outbox import OutboxLoop
from limen.db.work import Work, Works
from limen.kernel.actor import ANONYMOUS, SYSTEM, Actor
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.mail import store as mailbox
from limen.mail.deliver import mail_handler
from limen.mail.message import OutgoingMail
from limen.mail.routes import links_in
from limen.mail.transports import MailboxTransport
from limen.sessions.start import start
from limen.tenants.store import ensure_tenant_row
from limen.testing.clock import FrozenClock

T = TypeVar("T")
PASSWORD = "violet tractor hums at dawn"
OTHER_PASSWORD = "seven teapots under the bridge"


@dataclass
class House:
    works: Works
    site: Site
    clock: FrozenClock
    envelope: Envelope
    hasher: PasswordHasher
    failures: list[tuple[str, str]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def run(self, body: Callable[[Work], Awaitable[T]], *, actor: Actor = ANONYMOUS) -> T:
        # Each a little later than the one before, so that "newest" means something.
        self.clock.advance(dt.timedelta(milliseconds=2))
        return await self.works.run(self.site, body, actor=actor)

    async def user(
        self, email: str = "", *, password: str | None = PASSWORD, verified: bool = True
    ) -> User:
        new = NewUser(
            email=email or f"person{next(self.numbers)}@example.com",
            password=None if password is None else Secret(password),
            verified=verified,
        )
        return await self.run(
            lambda work: create_user(work, new=new, hasher=self.hasher), actor=SYSTEM
        )

    async def signed_in(self, user: User) -> tuple[Actor, Secret[str]]:
        started = await self.run(lambda work: start(work, user_id=user.id, amr=("pwd",)))
        assert started.raw is not None
        actor = Actor(
            "user",
            id=user.id,
            session_id=started.session.id,
            authenticated_at=started.session.authenticated_at,
            amr=("pwd",),
        )
        return actor, started.raw

    async def mails(self, to: str = "") -> list[OutgoingMail]:
        """Everything mailed so far, newest first, after the outbox has been emptied."""
        loop = OutboxLoop(
            self.works,
            {
                "mail": mail_handler(
                    works=self.works,
                    envelope=self.envelope,
                    transport=MailboxTransport(self.works),
                ),
                "account_mail": account_mail_handler(works=self.works, envelope=self.envelope),
            },
            site_of=self.site_of,
            on_failure=lambda kind, error: self.failures.append((kind, error)),
        )
        while await loop.run_once():
            pass
        assert self.failures == []
        return await self.run(lambda work: mailbox.list_mail(work, recipient=to))

    async def site_of(self, tenant_id: str) -> Site:
        assert tenant_id == self.site.tenant_id
        return self.site

    async def newest_link(self, to: str) -> Secret[str]:
        """The token in the first link of the newest mail to an address."""
        link = links_in((await self.mails(to))[0].text)[0]
        return Secret(link.partition("?token=")[2])


@pytest.fixture
async def house(works: Works, site: Site, clock: FrozenClock) -> AsyncIterator[House]:
    envelope = Envelope(WrappingKeys(LocalKey(Secret(bytes(range(32))))))
    hasher = PasswordHasher(cost=Cost(memory_kib=8, passes=1))
    works.recorders = [record]

    async def furnish(work: Work) -> None:
        await ensure_tenant_row(work)
        await envelope.create_keys(work)

    await works.run(site, furnish)
    yield House(works, site, clock, envelope, hasher)
    hasher.close()
