"""What came back to a journey that began elsewhere: held, sealed, until its person confirms it.

Nothing of it is in use meanwhile: there is no grant and no connection to be found. What is not
confirmed in time is revoked at the provider, from the outbox.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Final

from limen.db.outbox import Delivery, Handler, enqueue
from limen.db.work import Work
from limen.federation.finish import Finished
from limen.federation.provider import OK, ExternalIdentity, ProviderAnswer
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import InvalidInput
from limen.vault.connect import (
    ConnectedAccount,
    WantedConnection,
    check_pinned,
)
from limen.vault.keep_tokens import let_go_of
from limen.vault.parts import Parts
from limen.vault.sessions import store
from limen.vault.sessions.events import ConnectSessionRefused
from limen.vault.sessions.model import HELD_TTL, ConnectSession, answer_place

KIND: Final = "vault.unconfirmed"
_LATE_SECONDS: Final = 5.0
_UNCONFIRMED: Final = "unconfirmed"


async def hold(work: Work, parts: Parts, finished: Finished) -> ConnectedAccount:
    """Keep what came back where only its confirmation finds it.

    Another account than a pinned one is refused here already (F35).

    Raises:
        InvalidInput: ``link_invalid``: the session was ended meanwhile.
        NotFound, Conflict: As ``check_pinned``.
    """
    wanted = WantedConnection.from_json(finished.client.provider, finished.detail)
    await check_pinned(work, parts, finished, wanted=wanted)
    told = json.dumps(_to_json(finished)).encode()
    sealed = await parts.envelope.seal(work, answer_place(wanted.session_id), told)
    held = await store.hold(
        work, wanted.session_id, sealed_answer=sealed, expires_at=work.now + HELD_TTL
    )
    if not held:

        async def end(later: Work) -> None:
            await let_go_of(later, parts, finished, reason=_UNCONFIRMED)

        work.even_if_refused(end)
        raise InvalidInput("link_invalid", "This link was used, has expired or is not yours.")
    await enqueue(
        work,
        kind=KIND,
        payload=wanted.session_id.encode(),
        delay_seconds=HELD_TTL.total_seconds() + _LATE_SECONDS,
    )
    path = f"/account/connect/{wanted.provider}/confirm?session={wanted.session_id}"
    return ConnectedAccount(connection_id="", return_to=path, again=False)


async def open_held(work: Work, parts: Parts, session: ConnectSession) -> Finished | None:
    """Return what a session holds; ``None`` if our client at the provider is another by now."""
    assert session.sealed_answer is not None
    raw = await parts.envelope.open(work, answer_place(session.id), session.sealed_answer)
    told: dict[str, Any] = json.loads(raw.reveal())
    client = await get_upstream_client(
        work, parts.envelope, provider=session.provider, even_disabled=True
    )
    if client.at_provider.client_id != told["client_id"]:
        return None
    provider = parts.catalogue.get(session.provider, client.config)
    answer = ProviderAnswer(status=OK, members=told["members"], is_object=True)
    return Finished(
        provider=provider,
        client=client,
        identity=ExternalIdentity(**told["identity"]),
        answer=provider.read_tokens(answer),
        requested_at=dt.datetime.fromisoformat(told["requested_at"]),
        detail=told["detail"],
    )


async def refuse(work: Work, parts: Parts, session: ConnectSession, *, reason: str) -> bool:
    """End a session that holds something, and what it holds; whether this was who did."""
    finished = await open_held(work, parts, session)
    if not await store.refuse_held(work, session.id, reason=reason):
        return False
    if finished is not None:
        await let_go_of(work, parts, finished, reason=_UNCONFIRMED)
    await work.record(
        ConnectSessionRefused(
            connect_session_id=session.id, provider=session.provider, reason=reason
        )
    )
    return True


def unconfirmed_handler(parts: Parts) -> Handler:
    """Return the outbox's handler of ``vault.unconfirmed``."""

    async def handle(delivery: Delivery) -> None:
        async def body(work: Work) -> None:
            session = await store.find_stale(work, delivery.payload.decode())
            if session is not None:
                await refuse(work, parts, session, reason=_UNCONFIRMED)

        await parts.works.run(delivery.site, body)

    return handle


def _to_json(finished: Finished) -> dict[str, Any]:
    identity = finished.identity
    return {
        "client_id": finished.client.at_provider.client_id,
        "members": dict(finished.answer.members),
        "identity": {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "label": identity.label,
            "email": identity.email,
            "name": identity.name,
        },
        "requested_at": finished.requested_at.isoformat(),
        "detail": dict(finished.detail),
    }
