"""The same request again gets the same answer, and happens once.

A caller whose connection broke does not know whether a client was registered. With an
``Idempotency-Key`` it may ask again: what was answered is kept, sealed, in the transaction
that did the work, so there is never an effect without its answer or the other way round.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import override

from limen.access.require import RouteGuard
from limen.admin import store
from limen.admin.store import KeptAnswer
from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, MalformedRequest
from limen.kernel.ids import new_id
from limen.web.deps import authenticate
from limen.web.exchange import WorkRoute, current_work

KEPT_FOR: Final = dt.timedelta(hours=24)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


def remembering(envelope: Envelope) -> type[APIRoute]:
    """Return the class of routes whose mutations heed ``Idempotency-Key``.

    Args:
        envelope: Seals the answers: some show a secret, once.
    """

    class _Remembering(APIRoute):
        @override
        def get_route_handler(self) -> Handle:
            handle = super().get_route_handler()
            guards = [each for each in self.dependencies if isinstance(each, RouteGuard)]

            async def once(request: Request) -> Response:
                if request.method in _SAFE or "idempotency-key" not in request.headers:
                    return await handle(request)
                work = current_work(request)
                for guard in guards:  # who may not ask is not told what was answered either
                    await guard(request, work)
                return await _once(request, work, envelope=envelope, handle=handle)

            return once

    class RememberingRoute(WorkRoute, _Remembering):
        """One Work per request, and one effect per key."""

    return RememberingRoute


async def key_of(request: Request, work: Work) -> bytes | None:
    """Return what names this very request of this caller; ``None`` if it may happen twice.

    For routes that do their work in several transactions: each keeps its own answer.
    """
    if "idempotency-key" not in request.headers:
        return None
    return hashlib.sha256(await _key_hash(request, work) + await _request_hash(request)).digest()


async def once_each(
    work: Work, answer: Callable[[Work], Awaitable[bytes]], *, envelope: Envelope, key: bytes
) -> bytes:
    """Return what was answered under a key before, or answer now and keep that.

    Args:
        work: The transaction of the answer's effect.
        answer: Has the effect.
        envelope: Seals the answer.
        key: 32 bytes.

    Raises:
        Conflict: ``request_in_progress``.
    """
    kept = await store.find_answer(work, key)
    if kept is not None:
        return (await envelope.open(work, _place(kept.id), kept.sealed_body)).reveal()
    body = await answer(work)
    await _keep(work, Response(body), envelope=envelope, hashes=(key, key))
    return body


async def _once(request: Request, work: Work, *, envelope: Envelope, handle: Handle) -> Response:
    key_hash = await _key_hash(request, work)
    request_hash = await _request_hash(request)
    kept = await store.find_answer(work, key_hash)
    if kept is not None:
        if kept.request_hash != request_hash:
            raise InvalidInput(
                "idempotency_key_reused", "This Idempotency-Key was used for another request."
            )
        body = await envelope.open(work, _place(kept.id), kept.sealed_body)
        return _answer(kept.status, body.reveal())
    response = await handle(request)
    await _keep(work, response, envelope=envelope, hashes=(key_hash, request_hash))
    return response


async def _keep(
    work: Work, response: Response, *, envelope: Envelope, hashes: tuple[bytes, bytes]
) -> None:
    """Keep an answer. Refusals never come here: they are raised, and roll back."""
    key_hash, request_hash = hashes
    answer_id = new_id(work.now)
    kept = KeptAnswer(
        id=answer_id,
        request_hash=request_hash,
        status=response.status_code,
        sealed_body=await envelope.seal(work, _place(answer_id), bytes(response.body)),
        expires_at=work.now + KEPT_FOR,
    )
    if not await store.keep_answer(work, key_hash, kept):
        # Two with one key at once: this one is rolled back, and asking again gets the answer.
        raise Conflict("request_in_progress", "The same request was being answered; ask again.")


async def _key_hash(request: Request, work: Work) -> bytes:
    """Hash the key together with who asks: nobody reads another's answers.

    A person's token that may do less is another caller: what it would be refused, a secret among
    that, was answered to the one that may do more.
    """
    given = request.headers.getlist("idempotency-key")
    if len(given) != 1 or not _KEY.fullmatch(given[0]):
        raise MalformedRequest(
            "idempotency_key_invalid", "Idempotency-Key: one, of 1 to 255 printable characters."
        )
    actor = await authenticate(request, work)
    scope = "" if actor.scope is None else " ".join(("token", *sorted(actor.scope)))
    told = "\n".join((actor.kind, actor.id, actor.client_id, scope, given[0]))
    return hashlib.sha256(told.encode()).digest()


async def _request_hash(request: Request) -> bytes:
    told = f"{request.method}\n{request.url.path}\n{request.url.query}\n".encode()
    return hashlib.sha256(told + await request.body()).digest()


def _place(answer_id: str) -> Place:
    return Place(record="idempotent_answer", id=answer_id, field="body")


def _answer(status: int, body: bytes) -> Response:
    if not body:
        return Response(status_code=status)
    return Response(body, status_code=status, media_type="application/json")
