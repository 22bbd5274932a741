"""Hooks asked for real: the host's own functions, and a server on loopback."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.hooks.ask import Hooks
from limen.hooks.manage import Added, add_hook, list_hooks, remove_hook
from limen.hooks.model import HookAnswer, InProcess, Question
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted, Unavailable
from limen.kernel.events import Event
from limen.kernel.site import Site
from limen.net import Net
from limen.settings.sections import NetSettings
from limen.tenants.store import ensure_tenant_row
from tests.unit.crypto.kit import with_keys
from tests.unit.net.servers import Listener, answer, listening

pytestmark = pytest.mark.anyio

T = TypeVar("T")
YES = answer(b'{"allow": true}')


@dataclass
class Setting:
    works: Works
    site: Site
    net: Net
    envelope: Envelope
    events: list[Event] = field(default_factory=list)

    async def run(self, body: Callable[[Work], Awaitable[T]]) -> T:
        return await self.works.run(self.site, body)

    async def add(self, url: str, **changes: Any) -> Added:
        given: dict[str, Any] = {"point": "before_token", "url": url, **changes}
        return await self.run(
            lambda work: add_hook(work, envelope=self.envelope, net=self.net, **given)
        )

    async def ask(self, *ours: InProcess, **about: Any) -> dict[str, Any]:
        hooks = Hooks(
            net=self.net, envelope=self.envelope, in_process={"before_token": ours} if ours else {}
        )
        return await self.run(lambda work: hooks.ask(work, "before_token", about))

    def names(self) -> list[str]:
        return [event.name for event in self.events]


@pytest.fixture
async def setting(works: Works, site: Site) -> AsyncIterator[Setting]:
    await works.run(site, ensure_tenant_row)
    crypto = await with_keys(works, site)
    net = Net(NetSettings(allow=("127.0.0.0/8",)))
    made = Setting(works, site, net, crypto.envelope)

    async def collect(_work: Work, event: Event) -> None:
        made.events.append(event)

    works.recorders = (collect,)
    yield made
    await net.close()


def body_of(server: Listener) -> tuple[dict[str, str], bytes]:
    head, _, body = server.requests[-1].partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


async def test_nobody_is_asked_where_there_is_no_hook(setting: Setting) -> None:
    assert await setting.ask(client_id="a") == {}
    assert setting.events == []


async def test_n218_a_call_is_signed_and_says_what_it_is_about(setting: Setting) -> None:
    async with listening(answer(b'{"allow": true, "claims": {"plan": "pro"}}')) as server:
        added = await setting.add(f"{server.url}/hook")
        assert await setting.ask(client_id="a") == {"plan": "pro"}
        headers, body = body_of(server)
    assert json.loads(body) == {
        "point": "before_token",
        "tenant": setting.site.slug,
        "client_id": "a",
    }
    secret = added.raw_secret.reveal()
    assert secret.startswith("whsec_")
    signed = b".".join(
        (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    )
    mac = hmac.digest(base64.b64decode(secret[6:]), signed, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert int(headers["webhook-timestamp"]) == int(setting.works.clock.now().timestamp())
    assert secret not in repr(added)


async def test_each_call_has_an_id_of_its_own(setting: Setting) -> None:
    async with listening(YES) as server:
        await setting.add(server.url)
        await setting.ask()
        first = body_of(server)[0]["webhook-id"]
        await setting.ask()
        assert body_of(server)[0]["webhook-id"] != first


async def test_a_no_ends_it_in_the_hooks_words(setting: Setting) -> None:
    async with listening(answer(b'{"allow": false, "reason": "Not\\u0007 you."}')) as server:
        added = await setting.add(server.url)
        setting.events.clear()
        with pytest.raises(NotPermitted) as caught:
            await setting.ask()
    assert (caught.value.code, caught.value.public) == ("refused_by_hook", "Not you.")
    assert setting.names() == ["hooks:answer:refused"]
    assert getattr(setting.events[0], "hook_id", "") == added.hook.id


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        answer(b"{}"),
        answer(b'{"allow": null}'),
        answer(b'{"allow": "true"}'),
        answer(b'{"allow": 1}'),
        answer(b'{"allow": true, "more": 1}'),
        answer(b'{"allow": true, "claims": []}'),
        answer(b'{"allow": true, "reason": 1}'),
        answer(b"[true]"),
        answer(b"<html>"),
        answer(b'{"allow": true}', status="204 No"),
        answer(b'{"allow": true}', status="500 Oh"),
        answer(b'{"allow": true}', status="302 Found", headers="Location: http://127.0.0.1/\r\n"),
        answer(b'{"allow": true, "reason": "' + b"x" * 9000 + b'"}'),
    ],
    ids=range(14),
)
async def test_what_is_no_plain_yes_stops_it(setting: Setting, reply: bytes) -> None:
    async with listening(reply) as server:
        await setting.add(server.url)
        setting.events.clear()
        with pytest.raises(Unavailable) as caught:
            await setting.ask()
    assert caught.value.code == "hook_unavailable"
    assert setting.names() == ["hooks:answer:failed"]
    assert getattr(setting.events[0], "went_on", None) is False


async def test_silence_stops_it_at_the_deadline(setting: Setting) -> None:
    async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(never) as server:
        await setting.add(server.url, deadline=dt.timedelta(milliseconds=100))
        with pytest.raises(Unavailable):
            await setting.ask()


async def test_an_optional_one_is_gone_on_without(setting: Setting) -> None:
    async with listening(answer(b"oh", status="500 Oh")) as server:
        await setting.add(server.url, optional=True)
        setting.events.clear()
        assert await setting.ask() == {}
    assert setting.names() == ["hooks:answer:failed"]
    assert getattr(setting.events[0], "went_on", None) is True


async def test_an_optional_ones_no_counts(setting: Setting) -> None:
    async with listening(answer(b'{"allow": false}')) as server:
        await setting.add(server.url, optional=True)
        with pytest.raises(NotPermitted):
            await setting.ask()


async def test_the_hosts_own_are_asked_first_and_a_later_claim_wins(setting: Setting) -> None:
    seen: list[Question] = []

    async def ours(question: Question) -> HookAnswer:
        seen.append(question)
        return HookAnswer(claims={"plan": "free", "seat": 1})

    async def silent_yes(_question: Question) -> None:
        return None

    async with listening(answer(b'{"allow": true, "claims": {"plan": "pro"}}')) as server:
        await setting.add(server.url)
        assert await setting.ask(ours, silent_yes, user_id="u") == {"plan": "pro", "seat": 1}
    assert [question["user_id"] for question in seen] == ["u"]


async def test_the_hosts_no_calls_nobody_else(setting: Setting) -> None:
    async def ours(_question: Question) -> HookAnswer:
        return HookAnswer(allow=False)

    async with listening(YES) as server:
        await setting.add(server.url)
        with pytest.raises(NotPermitted):
            await setting.ask(ours)
        assert server.connections == 0


async def test_the_hosts_fault_stops_it(setting: Setting) -> None:
    async def broken(_question: Question) -> HookAnswer:
        raise KeyError("secret of the host")

    with pytest.raises(Unavailable) as caught:
        await setting.ask(broken)
    assert "secret" not in caught.value.public
    assert setting.names() == ["hooks:answer:failed"]


async def test_a_transaction_under_way_is_a_fault_of_ours(setting: Setting) -> None:
    """The host's function calls nobody: only we can tell that a transaction would wait for it."""
    asked: list[Question] = []

    async def ours(question: Question) -> None:
        asked.append(question)

    hooks = Hooks(net=setting.net, envelope=setting.envelope, in_process={"before_token": (ours,)})

    async def body(work: Work) -> None:
        await add_hook(
            work,
            envelope=setting.envelope,
            net=setting.net,
            point="before_sign_up",
            url="http://127.0.0.1:9/",
        )
        await hooks.ask(work, "before_token", {})

    with pytest.raises(RuntimeError, match="transaction"):
        await setting.run(body)
    assert asked == []


async def test_it_is_asked_where_it_was_added_and_nowhere_else(setting: Setting) -> None:
    async with listening(answer(b'{"allow": false}')) as server:
        added = await setting.add(server.url, point="before_sign_up")
        assert await setting.ask() == {}
        assert server.connections == 0
        assert [hook.id for hook in await setting.run(list_hooks)] == [added.hook.id]


async def test_once_removed_it_is_asked_no_more(setting: Setting) -> None:
    async with listening(answer(b'{"allow": false}')) as server:
        added = await setting.add(server.url)
        await setting.run(lambda work: remove_hook(work, hook_id=added.hook.id))
        assert await setting.ask() == {}
    with pytest.raises(NotFound):
        await setting.run(lambda work: remove_hook(work, hook_id=added.hook.id))
    assert setting.names() == ["hooks:hook:added", "hooks:hook:removed"]


async def test_n206_another_tenants_hook_is_none_of_ours(setting: Setting) -> None:
    other = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
    await setting.works.run(other, ensure_tenant_row)
    async with listening(answer(b'{"allow": false}')) as server:
        added = await setting.add(server.url)
        assert await setting.works.run(other, list_hooks) == []
        with pytest.raises(NotFound):
            await setting.works.run(other, lambda work: remove_hook(work, hook_id=added.hook.id))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "http://192.168.1.1/"}, "url_not_allowed"),
        ({"url": "https://169.254.169.254/"}, "url_not_allowed"),
        ({"url": "file:///etc/passwd"}, "url_not_allowed"),
        ({"deadline": dt.timedelta(milliseconds=99)}, "deadline_invalid"),
        ({"deadline": dt.timedelta(seconds=10.1)}, "deadline_invalid"),
    ],
)
async def test_n213_what_can_not_be_added(
    setting: Setting, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await setting.add(**{"url": "http://127.0.0.1:9/", **changes})
    assert caught.value.code == code
    assert await setting.run(list_hooks) == []


async def test_there_are_never_many_at_one_point(setting: Setting) -> None:
    for _ in range(10):
        await setting.add("http://127.0.0.1:9/")
    with pytest.raises(Conflict):
        await setting.add("http://127.0.0.1:9/")
