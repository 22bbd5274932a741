"""Tell the servers of a session's clients that it is over: written with the end, sent after it.

The notice is a row of the outbox in the transaction that ends the session; the loop is woken at
its commit, and a client that can't be reached is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from limen.crypto.keyring import Keyring
from limen.db.outbox import Delivery, Handler, enqueue
from limen.db.work import Work, Works
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.tokens import random_secret
from limen.net import Net
from limen.oauth.client_keys.published import ClientKeys
from limen.oauth.client_keys.recipient import recipient_of, seal_for
from limen.oauth.clients import Clients
from limen.oauth.events import LogoutNotified
from limen.oauth.store import session_clients as store
from limen.protocol.jwt import sign
from limen.protocol.logout_token import TYP, logout_token_claims
from limen.sessions.events import SessionEnded

KIND: Final = "oauth.backchannel_logout"
_DEADLINE_SECONDS: Final = 10.0
_MAX_BYTES: Final = 16_384
_HEADERS: Final = {"content-type": "application/x-www-form-urlencoded"}


def notify_clients(clients: Clients) -> Callable[[Work, SessionEnded], Awaitable[None]]:
    """Return the reaction to the end of a session, for the literal in ``app``."""

    async def react(work: Work, event: SessionEnded) -> None:
        for attendant in await store.of_session(work, event.session_id):
            client = await clients.find(work, attendant.client_id)
            if client is not None and client.metadata.backchannel_logout_uri:
                notice = {
                    "client_id": attendant.client_id,
                    "sub": attendant.subject,
                    "sid": event.session_id,
                }
                await enqueue(work, kind=KIND, payload=json.dumps(notice).encode())

    return react


def logout_handler(
    *, works: Works, keyring: Keyring, clients: Clients, client_keys: ClientKeys, net: Net
) -> Handler:
    """Return the outbox's handler: signs a token anew for each attempt and posts it."""

    async def handle(delivery: Delivery) -> None:
        notice: dict[str, str] = json.loads(delivery.payload)

        async def write(work: Work) -> tuple[str, str] | None:
            return await _write(
                work, keyring=keyring, clients=clients, client_keys=client_keys, notice=notice
            )

        written = await works.run(delivery.site, write)
        if written is None:
            return
        url, token = written
        await _post(net, url, token)

        async def note(work: Work) -> None:
            event = LogoutNotified(client_id=notice["client_id"], session_id=notice["sid"])
            await work.record(event)

        await works.run(delivery.site, note)

    return handle


async def _write(
    work: Work,
    *,
    keyring: Keyring,
    clients: Clients,
    client_keys: ClientKeys,
    notice: dict[str, str],
) -> tuple[str, str] | None:
    """Return where to send which token; ``None`` if the client no longer wants one.

    Encrypted for a client whose ID tokens are: it should refuse one in clear (section 2.6).

    Raises:
        OAuthRefusal, Unavailable: As ``recipient_of``; nothing is sent in clear instead.
    """
    client = await clients.find(work, notice["client_id"])
    if client is None or client.is_disabled or not client.metadata.backchannel_logout_uri:
        return None
    claims = logout_token_claims(
        issuer=work.site.issuer,
        client_id=client.client_id,
        subject=notice["sub"],
        session_id=notice["sid"],
        jti=random_secret().reveal(),
        now=work.now,
    )
    recipient = await recipient_of(work, keys=client_keys, client=client, answer="id_token")
    key = await keyring.active(work, client.id_token_alg)
    token = seal_for(recipient, sign(claims, key, typ=TYP), issuer=work.site.issuer)
    return client.metadata.backchannel_logout_uri, token


async def _post(net: Net, url: str, token: str) -> None:
    """Send a notice; anything but a 2xx is tried again later.

    Raises:
        ProviderUnavailable: Not confirmed.
    """
    answer = await net.fetch(
        "POST",
        url,
        headers=_HEADERS,
        body=urlencode({"logout_token": token}).encode(),
        deadline_seconds=_DEADLINE_SECONDS,
        max_bytes=_MAX_BYTES,
    )
    if not 200 <= answer.status < 300:
        raise ProviderUnavailable("logout_not_confirmed", detail=f"answered {answer.status}")
