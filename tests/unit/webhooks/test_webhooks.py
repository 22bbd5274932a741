"""Webhooks for real: a server on loopback, an outbox, and another library's verifier."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook, WebhookVerificationError

from limen.crypto.envelope import Envelope
from limen.db.outbox import OutboxLoop
from limen.db.tables import outbox
from limen.db.types import DbNow
from limen.db.work import Work, Works
from limen.kernel.clock import UTC
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from limen.kernel.events import Event
from limen.kernel.site import Site
from limen.net import Net
from limen.protocol.standard_webhooks import new_secret
from limen.settings.sections import NetSettings
from limen.tenants.store import ensure_tenant_row
from limen.testing.clock import FrozenClock
from limen.webhooks import manage, replay
from limen.webhooks.deliver import webhook_handler
from limen.webhooks.model import KINDS, Notice
from limen.webhooks.publish import DELIVERY, Webhooks
from limen.webhooks.sweep import KEPT_FOR, sweep
from tests.unit.crypto.kit import OTHER_SITE, with_keys
from tests.unit.net.servers import Listener, answer, listening

pytestmark = pytest.mark.anyio

T = TypeVar("T")
OK = answer(b"", status="204 No Content")
FAILS = answer(b"", status="500 Internal Server Error")
CREATED = Notice(kind="user.created", data={"user_id": "u1"})


@dataclass
class Setting:
    works: Works
    clock: FrozenClock
    site: Site
    net: Net
    envelope: Envelope
    webhooks: Webhooks
    outbox: OutboxLoop
    events: list[Event] = field(default_factory=list)

    async def run(self, body: Callable[[Work], Awaitable[T]], *, site: Site | None = None) -> T:
        return await self.works.run(site or self.site, body)

    async def add(self, url: str, *kinds: str) -> manage.Shown:
        return await self.run(
            lambda work: manage.add_endpoint(
                work, envelope=self.envelope, net=self.net, url=url, kinds=kinds or ("*",)
            )
        )

    async def publish(self, notice: Notice = CREATED, *, site: Site | None = None) -> None:
        await self.run(lambda work: self.webhooks.publish(work, notice), site=site)

    async def next_attempt(self) -> float:
        """Return in how many seconds the next attempt is due, and make it due now."""
        late = sa.select(outbox.c.due_at, DbNow().label("now")).where(outbox.c.kind == DELIVERY)
        row = (await self.run(lambda work: work.execute(late))).all()[0]
        soon = sa.update(outbox).values(due_at=dt.datetime(2000, 1, 1, tzinfo=UTC))
        await self.run(lambda work: work.execute(soon))
        return float((row.due_at - row.now).total_seconds())

    async def deliveries(self, endpoint_id: str) -> list[tuple[str, int, int | None]]:
        found = await self.run(
            lambda work: replay.list_deliveries(work, endpoint_id=endpoint_id, before="", limit=100)
        )
        return [(each.state, each.attempts, each.status) for each in found]

    def names(self) -> list[str]:
        return [event.name for event in self.events]


@pytest.fixture
async def setting(works: Works, site: Site, clock: FrozenClock) -> AsyncIterator[Setting]:
    await works.run(site, ensure_tenant_row)
    await works.run(OTHER_SITE, ensure_tenant_row)
    crypto = await with_keys(works, site)
    net = Net(NetSettings(allow=("127.0.0.0/8",)))
    sites = {one.tenant_id: one for one in (site, OTHER_SITE)}

    async def site_of(tenant_id: str) -> Site:
        return sites[tenant_id]

    failures: list[str] = []
    loop = OutboxLoop(
        works,
        {DELIVERY: webhook_handler(works=works, envelope=crypto.envelope, net=net)},
        site_of=site_of,
        on_failure=lambda _kind, name: failures.append(name),
    )
    made = Setting(works, clock, site, net, crypto.envelope, Webhooks(), loop)

    async def collect(_work: Work, event: Event) -> None:
        made.events.append(event)

    works.recorders = (collect,)
    yield made
    await net.close()
    assert failures == []


def sent(server: Listener, which: int = -1) -> tuple[dict[str, str], bytes]:
    head, _, body = server.requests[which].partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


def verified(shown: manage.Shown, server: Listener, clock: FrozenClock, which: int = -1) -> Any:
    """Read a message with the standard's own library, at the time of the test."""
    headers, body = sent(server, which)
    assert int(headers["webhook-timestamp"]) == int(clock.now().timestamp())
    verifier = Webhook(shown.raw_secret.reveal())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("standardwebhooks.webhooks.datetime", _At(clock))
        return verifier.verify(body, headers)


class _At:
    """``datetime`` as the verifier uses it, with our clock."""

    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock

    def now(self, tz: dt.tzinfo | None = None) -> dt.datetime:
        return self._clock.now().astimezone(tz)

    def fromtimestamp(self, seconds: float, tz: dt.tzinfo | None = None) -> dt.datetime:
        return dt.datetime.fromtimestamp(seconds, tz)


async def test_n218_a_message_is_signed_and_says_what_happened(setting: Setting) -> None:
    async with listening(OK) as server:
        shown = await setting.add(f"{server.url}/in", "user.*")
        await setting.publish()
        await setting.publish(Notice(kind="session.started", data={}))
        assert await setting.outbox.run_once() == 1
        told = verified(shown, server, setting.clock)
    assert told == {
        "type": "user.created",
        "timestamp": setting.clock.now().isoformat(),
        "tenant": setting.site.slug,
        "data": {"user_id": "u1"},
    }
    assert await setting.deliveries(shown.endpoint.id) == [("delivered", 1, 204)]
    other = Webhook(new_secret().reveal())
    with pytest.raises(WebhookVerificationError):
        other.verify(sent(server)[1], sent(server)[0])
    assert shown.raw_secret.reveal() not in repr(shown)


async def test_nothing_is_written_while_nobody_wants_to_know(setting: Setting) -> None:
    shown = await setting.add("http://127.0.0.1:9/", "session.*")
    await setting.publish()
    assert await setting.outbox.run_once() == 0
    assert await setting.deliveries(shown.endpoint.id) == []


async def test_what_is_rolled_back_is_not_told(setting: Setting) -> None:
    async with listening(OK) as server:
        await setting.add(server.url)

        async def body(work: Work) -> None:
            await setting.webhooks.publish(work, CREATED)
            raise NotPermitted

        with pytest.raises(NotPermitted):
            await setting.run(body)
        assert await setting.outbox.run_once() == 0
        assert server.connections == 0


async def test_a_failure_is_tried_again_under_the_same_id(setting: Setting) -> None:
    replies = [FAILS, OK]

    async def reply(_reader: Any, writer: Any) -> None:
        writer.write(replies.pop(0))

    async with listening(reply) as server:
        shown = await setting.add(server.url)
        await setting.publish()
        await setting.outbox.run_once()
        assert await setting.deliveries(shown.endpoint.id) == [("pending", 1, 500)]
        assert await setting.outbox.run_once() == 0, "not before its time"
        assert await setting.next_attempt() == pytest.approx(5, abs=2)
        setting.clock.advance(dt.timedelta(minutes=10))
        await setting.outbox.run_once()
        first, second = sent(server, 0), sent(server, 1)
        assert first[0]["webhook-id"] == second[0]["webhook-id"]
        assert first[1] == second[1]
        assert verified(shown, server, setting.clock)["type"] == "user.created"
    assert await setting.deliveries(shown.endpoint.id) == [("delivered", 2, 204)]
    endpoint = await setting.run(
        lambda work: manage.get_endpoint(work, endpoint_id=shown.endpoint.id)
    )
    assert endpoint.failing_since is None


async def test_n218_ten_attempts_in_three_days_and_then_it_rests(setting: Setting) -> None:
    async with listening(FAILS) as server:
        shown = await setting.add(server.url)
        await setting.publish()
        await setting.outbox.run_once()
        plan = []
        for _ in range(9):
            plan.append(5 * round(await setting.next_attempt() / 5))
            assert await setting.outbox.run_once() == 1
        assert len(server.requests) == 10
    assert plan == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert await setting.deliveries(shown.endpoint.id) == [("failed", 10, 500)]
    assert await setting.outbox.run_once() == 0


async def test_n218_an_endpoint_that_fails_for_days_is_turned_off(setting: Setting) -> None:
    async with listening(FAILS) as server:
        shown = await setting.add(server.url)
        await setting.publish()
        await setting.outbox.run_once()
        setting.clock.advance(dt.timedelta(days=4, hours=23))
        await setting.publish()
        await setting.outbox.run_once()
        assert "webhooks:endpoint:given_up" not in setting.names()
        setting.clock.advance(dt.timedelta(hours=1))
        await setting.publish()
        await setting.outbox.run_once()
        assert setting.names()[-1] == "webhooks:endpoint:given_up"
        before = len(server.requests)
        await setting.publish()
        await setting.next_attempt()
        await setting.outbox.run_once()
        assert len(server.requests) == before, "it is not called any more"
    found = await setting.run(lambda work: manage.get_endpoint(work, endpoint_id=shown.endpoint.id))
    assert found.state == "failing"
    assert {state for state, _, _ in await setting.deliveries(shown.endpoint.id)} == {"failed"}


async def test_an_endpoint_that_is_gone_is_turned_off_at_once(setting: Setting) -> None:
    async with listening(answer(b"", status="410 Gone")) as server:
        shown = await setting.add(server.url)
        await setting.publish()
        await setting.outbox.run_once()
    assert setting.names()[-1] == "webhooks:endpoint:given_up"
    with pytest.raises(Conflict, match="webhook_disabled"):
        await setting.run(lambda work: replay.send_test(work, endpoint_id=shown.endpoint.id))
    changed = await setting.run(
        lambda work: manage.change_endpoint(
            work, net=setting.net, endpoint_id=shown.endpoint.id, enabled=True
        )
    )
    assert (changed.state, changed.failing_since) == ("enabled", None)


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(setting: Setting) -> None:
    async with listening(OK) as server:
        old = await setting.add(server.url)
        endpoint_id = old.endpoint.id
        new = await setting.run(
            lambda work: manage.rotate_secret(
                work, envelope=setting.envelope, endpoint_id=endpoint_id
            )
        )
        await setting.publish()
        await setting.outbox.run_once()
        assert verified(old, server, setting.clock) == verified(new, server, setting.clock)
        setting.clock.advance(manage.OLD_SECRET_SIGNS_FOR)
        await setting.publish()
        await setting.outbox.run_once()
        verified(new, server, setting.clock)
        with pytest.raises(WebhookVerificationError):
            verified(old, server, setting.clock)


async def test_a_message_is_replayed_by_its_id(setting: Setting) -> None:
    async with listening(OK) as server:
        shown = await setting.add(server.url)
        await setting.publish()
        await setting.outbox.run_once()
        message_id = sent(server)[0]["webhook-id"]

        async def again(endpoint_id: str) -> None:
            await setting.run(
                lambda work: replay.replay(work, endpoint_id=endpoint_id, message_id=message_id)
            )

        await again(shown.endpoint.id)
        with pytest.raises(Conflict, match="delivery_pending"):
            await again(shown.endpoint.id)
        await setting.outbox.run_once()
        assert sent(server, 0)[1] == sent(server, 1)[1]
        assert sent(server)[0]["webhook-id"] == message_id
        late = await setting.add(f"{server.url}/late")
        await again(late.endpoint.id)
        await setting.outbox.run_once()
        assert verified(late, server, setting.clock)["type"] == "user.created"
    setting.clock.advance(KEPT_FOR + dt.timedelta(seconds=1))
    assert await setting.run(sweep) == 1
    with pytest.raises(NotFound, match="message_not_found"):
        await again(shown.endpoint.id)


async def test_n218_another_tenants_endpoint_hears_nothing_and_is_not_found(
    setting: Setting,
) -> None:
    async with listening(OK) as server:
        shown = await setting.add(server.url)
        await setting.publish(site=OTHER_SITE)
        assert await setting.outbox.run_once() == 0
        endpoint_id = shown.endpoint.id
        for attempt in (
            lambda work: manage.get_endpoint(work, endpoint_id=endpoint_id),
            lambda work: manage.remove_endpoint(work, endpoint_id=endpoint_id),
            lambda work: manage.change_endpoint(
                work, net=setting.net, endpoint_id=endpoint_id, enabled=False
            ),
            lambda work: manage.rotate_secret(
                work, envelope=setting.envelope, endpoint_id=endpoint_id
            ),
            lambda work: replay.send_test(work, endpoint_id=endpoint_id),
            lambda work: replay.list_deliveries(work, endpoint_id=endpoint_id, before="", limit=10),
        ):
            with pytest.raises(NotFound, match="webhook_not_found"):
                await setting.run(attempt, site=OTHER_SITE)


async def test_what_waits_for_a_removed_endpoint_is_dropped(setting: Setting) -> None:
    async with listening(OK) as server:
        shown = await setting.add(server.url)
        await setting.publish()
        await setting.run(lambda work: manage.remove_endpoint(work, endpoint_id=shown.endpoint.id))
        assert await setting.outbox.run_once() == 1
        assert server.connections == 0
        await setting.publish()
        assert await setting.outbox.run_once() == 0


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://[::1]/", "ftp://x.example/", ""])
async def test_n213_an_address_inside_is_refused_when_it_is_saved(
    setting: Setting, url: str
) -> None:
    shown = await setting.add("http://127.0.0.1:9/")
    with pytest.raises(InvalidInput):
        await setting.add(url)
    with pytest.raises(InvalidInput):
        await setting.run(
            lambda work: manage.change_endpoint(
                work, net=setting.net, endpoint_id=shown.endpoint.id, url=url
            )
        )


async def test_n213_an_address_inside_is_not_called(setting: Setting) -> None:
    async with listening(OK) as server:
        shown = await setting.add(server.url)
        strict = OutboxLoop(
            setting.works,
            {
                DELIVERY: webhook_handler(
                    works=setting.works, envelope=setting.envelope, net=Net(NetSettings())
                )
            },
            site_of=setting.outbox._site_of,
            on_failure=lambda _kind, _name: None,
        )
        await setting.publish()
        await strict.run_once()
        assert server.connections == 0
    assert await setting.deliveries(shown.endpoint.id) == [("pending", 1, None)]


@pytest.mark.parametrize("kinds", [(), ("user.*", "nothing.known"), ("*.*",), ("user",)])
async def test_only_types_that_exist_can_be_subscribed_to(
    setting: Setting, kinds: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInput, match="kind_unknown"):
        await setting.run(
            lambda work: manage.add_endpoint(
                work,
                envelope=setting.envelope,
                net=setting.net,
                url="http://127.0.0.1/",
                kinds=kinds,
            )
        )


def test_every_type_is_lower_case_and_dotted() -> None:
    assert all(kind.count(".") == 1 and kind == kind.lower() for kind in KINDS)
