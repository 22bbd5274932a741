"""One signed attempt, what becomes of it, and when the next is."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import partial
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.cache import forget
from limen.db.outbox import Delivery, Handler
from limen.db.work import Work, Works
from limen.kernel.clock import to_timestamp
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.standard_webhooks import signed_headers
from limen.webhooks import store
from limen.webhooks.events import EndpointGivenUp
from limen.webhooks.manage import open_secrets
from limen.webhooks.model import Message
from limen.webhooks.publish import queue_attempt

_DELAYS: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after each failed attempt: ten attempts in three days."""
_GIVES_UP_AFTER: Final = dt.timedelta(days=5)
_DEADLINE_SECONDS: Final = 15.0
_MAX_ANSWER_BYTES: Final = 65_536
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class _Ready:
    url: str
    message: Message
    raw_secrets: tuple[Secret[str], ...]


def webhook_handler(*, works: Works, envelope: Envelope, net: Net) -> Handler:
    """Return the outbox's handler of deliveries.

    A failure is no error of the outbox: the next attempt is a row of its own, by a plan that
    gives a receiver days.
    """

    async def handle(delivery: Delivery) -> None:
        named: dict[str, str] = json.loads(delivery.payload)
        ready = await works.run(delivery.site, partial(_ready, envelope=envelope, named=named))
        if ready is None:
            return
        status = await _send(net, ready, now=works.clock.now())
        await works.run(delivery.site, partial(_settle, named=named, status=status))

    return handle


async def _ready(work: Work, *, envelope: Envelope, named: dict[str, str]) -> _Ready | None:
    """Return what is to be sent where; ``None`` if nobody wants it any more."""
    endpoint = await store.find_endpoint(work, named["endpoint_id"])
    message = await store.find_message(work, named["message_id"])
    if endpoint is None or message is None:
        return None
    if endpoint.state != "enabled":
        await store.set_state(work, **named, state="failed")
        return None
    return _Ready(endpoint.url, message, await open_secrets(work, envelope, endpoint))


async def _send(net: Net, ready: _Ready, *, now: dt.datetime) -> int | None:
    """Return the status it was answered with; ``None`` for no answer."""
    headers = signed_headers(
        ready.raw_secrets,
        body=ready.message.body,
        message_id=ready.message.id,
        timestamp=to_timestamp(now),
    )
    try:
        answer = await net.fetch(
            "POST",
            ready.url,
            headers={"content-type": "application/json", **headers},
            body=ready.message.body,
            deadline_seconds=_DEADLINE_SECONDS,
            max_bytes=_MAX_ANSWER_BYTES,
        )
    except ProviderUnavailable:
        return None
    return answer.status


async def _settle(work: Work, *, named: dict[str, str], status: int | None) -> None:
    if status is not None and 200 <= status < 300:
        await store.note_attempt(work, **named, state="delivered", status=status)
        await store.note_working(work, named["endpoint_id"])
        return
    attempts = await store.note_attempt(work, **named, state="pending", status=status)
    if not attempts:
        return  # the endpoint was removed meanwhile
    since = await store.note_failing(work, named["endpoint_id"])
    forget(work, kind=store.MEMORY, name="")
    if status == _GONE or (since is not None and work.now - since >= _GIVES_UP_AFTER):
        await _give_up(work, named=named)
    elif attempts > len(_DELAYS):
        await store.set_state(work, **named, state="failed")
    else:
        await queue_attempt(work, **named, delay_seconds=_DELAYS[attempts - 1])


async def _give_up(work: Work, *, named: dict[str, str]) -> None:
    """Turn the endpoint off, and say so: nobody listened for days, or it told us to stop."""
    await store.set_state(work, **named, state="failed")
    if await store.give_up(work, named["endpoint_id"]):
        await work.record(EndpointGivenUp(endpoint_id=named["endpoint_id"]))
