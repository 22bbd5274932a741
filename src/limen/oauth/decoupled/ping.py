"""Tell a server that a person has answered (CIBA section 10.2): written then, sent after it.

What was answered is not told: the server comes to the token endpoint for that.
"""

from __future__ import annotations

import json
from typing import Final

from limen.crypto.envelope import Envelope, Place
from limen.db.outbox import Delivery, Handler, enqueue
from limen.db.work import Work, Works
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Net
from limen.oauth.clients import Clients
from limen.oauth.decoupled.events import ClientPinged, PingRefused
from limen.oauth.pending import store
from limen.oauth.pending.model import DecoupledRequest

KIND: Final = "oauth.ciba_ping"
_DEADLINE_SECONDS: Final = 10.0
_MAX_BYTES: Final = 16_384


async def seal_notification(
    work: Work,
    *,
    envelope: Envelope,
    request_id: str,
    raw_request_id: Secret[str],
    raw_token: Secret[str],
) -> bytes:
    """Seal what a ping takes: the client's token for us, and the id that only it has."""
    told = {"token": raw_token.reveal(), "auth_req_id": raw_request_id.reveal()}
    return await envelope.seal(work, _place(request_id), json.dumps(told).encode())


async def ping(work: Work, request: DecoupledRequest) -> None:
    """Have the client told, if it wants to be, once this transaction is durable."""
    if request.sealed_notification is not None:
        await enqueue(work, kind=KIND, payload=request.id.encode())


def ping_handler(*, works: Works, envelope: Envelope, clients: Clients, net: Net) -> Handler:
    """Return the outbox's handler."""

    async def handle(delivery: Delivery) -> None:
        request_id = delivery.payload.decode()

        async def write(work: Work) -> _Ping | None:
            return await _write(work, request_id, envelope=envelope, clients=clients)

        written = await works.run(delivery.site, write)
        if written is None:
            return
        status = await _post(net, written)

        async def note(work: Work) -> None:
            if 200 <= status < 300:
                await work.record(ClientPinged(request_id=request_id, client_id=written.client_id))
            else:
                await work.record(
                    PingRefused(request_id=request_id, client_id=written.client_id, status=status)
                )

        await works.run(delivery.site, note)

    return handle


class _Ping:
    """Where to send what."""

    __slots__ = ("body", "client_id", "headers", "url")

    def __init__(self, *, client_id: str, url: str, told: dict[str, str]) -> None:
        self.client_id = client_id
        self.url = url
        self.headers = {
            "authorization": f"Bearer {told['token']}",
            "content-type": "application/json",
        }
        self.body = json.dumps({"auth_req_id": told["auth_req_id"]}).encode()


async def _write(
    work: Work, request_id: str, *, envelope: Envelope, clients: Clients
) -> _Ping | None:
    """Return what to send; ``None`` once there is nothing to come for any more."""
    request = await store.find_by_id(work, request_id)
    if request is None or request.sealed_notification is None or request.used_at is not None:
        return None
    client = await clients.find(work, request.client_id)
    if client is None or not client.is_active or request.is_expired(now=work.now):
        return None
    url = client.metadata.backchannel_client_notification_endpoint
    if url is None:
        return None
    opened = await envelope.open(work, _place(request.id), request.sealed_notification)
    return _Ping(client_id=client.client_id, url=url, told=json.loads(opened.reveal()))


async def _post(net: Net, told: _Ping) -> int:
    """Send it; return the status that settles it, be it yes or no.

    Redirects are not followed and are no yes; a client that refuses us is not asked again.

    Raises:
        ProviderUnavailable: To be tried again: no answer, or the client's own trouble.
    """
    answer = await net.fetch(
        "POST",
        told.url,
        headers=told.headers,
        body=told.body,
        deadline_seconds=_DEADLINE_SECONDS,
        max_bytes=_MAX_BYTES,
    )
    if answer.status == 429 or answer.status >= 500:
        raise ProviderUnavailable("ping_not_taken", detail=f"answered {answer.status}")
    return answer.status


def _place(request_id: str) -> Place:
    return Place(record="decoupled_request", id=request_id, field="notification")
