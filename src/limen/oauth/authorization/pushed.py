"""Pushed authorization requests: kept under a handle until the answer takes them (RFC 9126).

A reload and a second visit find the request as it was pushed. Whatever issues the code or tells
the client no takes the handle in the same transaction, so that of all who hold it one is
answered.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Final

from limen.crypto.envelope import Envelope
from limen.crypto.sealed_text import Place
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.oauth.store import pushed_requests as store
from limen.protocol.params import Params

KIND: Final = "lmpr"
URN: Final = "urn:ietf:params:oauth:request_uri:"
TTL: Final = dt.timedelta(seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """A request as it was pushed.

    Attributes:
        hashed: SHA-256 of its handle.
        signed: Whether a request object said it.
    """

    hashed: bytes
    params: Params
    signed: bool


def new_handle(work: Work) -> Secret[str]:
    """Make a handle; its row is ``keep_pushed``'s, in the same Work."""
    return mint(KIND, work.tenant_id)


def uri_of(raw_handle: Secret[str]) -> str:
    """Return the ``request_uri`` that the client sends the browser with."""
    return URN + raw_handle.reveal()


async def keep_pushed(
    work: Work, *, pushed: PushedRequest, client_id: str, envelope: Envelope
) -> None:
    """Keep a request that was checked; sealed, for it may hold an ID token as a hint."""
    plain = json.dumps(pushed.params.pairs, separators=(",", ":")).encode()
    await store.add_pushed(
        work,
        store.PushedRow(
            request_hash=pushed.hashed,
            client_id=client_id,
            sealed_parameters=await envelope.seal(work, _place(pushed.hashed), plain),
            signed=pushed.signed,
            expires_at=work.now + TTL,
        ),
    )


async def find_pushed(
    work: Work, *, raw_uri: Secret[str], client_id: str, envelope: Envelope
) -> PushedRequest:
    """Return a request that waits to be answered; it goes on waiting.

    Raises:
        OAuthRefusal: ``invalid_request_uri``: unknown, another client's, answered or expired.
    """
    raw_handle = Secret(raw_uri.reveal().removeprefix(URN))
    told = read(raw_handle, kind=KIND)
    if told is None or told.tenant_id != work.tenant_id:
        raise _over()
    row = await store.find_pushed(work, token_hash(raw_handle))
    if row is None or row.client_id != client_id:
        raise _over()
    opened = await envelope.open(work, _place(row.request_hash), row.sealed_parameters)
    return PushedRequest(
        hashed=row.request_hash, params=Params(json.loads(opened.reveal())), signed=row.signed
    )


async def take_pushed(work: Work, pushed_hash: bytes | None) -> None:
    """Consume the request that is being answered, once; nothing if it was not pushed.

    Raises:
        OAuthRefusal: ``invalid_request_uri``: another answer was first.
    """
    if pushed_hash is not None and not await store.take_pushed(work, pushed_hash):
        raise _over()


def _place(request_hash: bytes) -> Place:
    return Place(record="pushed_request", id=request_hash.hex(), field="parameters")


def _over() -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_request_uri",
        "This request is over, or was never pushed. Go back to the application and start again.",
        field="request_uri",
    )
