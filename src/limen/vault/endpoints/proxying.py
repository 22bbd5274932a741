"""The egress proxy over HTTP: ``/connections/{id}/proxy/{host}/{path}``.

What is asked for is decided in the request's Work; the call itself is made once that has ended,
so that no transaction waits for a provider.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from limen.access.permissions import CONNECTIONS_PROXY
from limen.access.require import require
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import InvalidInput, Refusal
from limen.kernel.site import Site
from limen.net.retry_after import read_retry_after
from limen.net.stream import Bounds, Streaming, stream
from limen.vault.credentials.material import struck_with
from limen.vault.endpoints.owner import caller_of
from limen.vault.parts import Parts
from limen.vault.proxy.prepare import Prepared, ProxiedCall, prepare
from limen.vault.proxy.redact import Redactor
from limen.vault.proxy.way import METHODS, headers_back, headers_out, with_key, with_token
from limen.vault.store import pauses
from limen.vault.token_for import Released, token_for
from limen.web import csrf
from limen.web.errors import answer
from limen.web.exchange import route

_REPLAYABLE_BYTES: Final = 1024 * 1024
_MAX_PAUSE_SECONDS: Final = 3600
_UNAUTHORIZED: Final = 401
_PAUSES: Final = frozenset({429, 503})
_UPSTREAM: Final = "limen-upstream"


def proxy_routes(parts: Parts) -> list[Route]:
    """Return the proxy's route."""

    async def proxied(request: Request, work: Work) -> Response:
        """Decide whether the call may be made; it is made when the answer is asked for."""
        if work.actor.kind == "user" and work.actor.scope is None:
            # Safe methods too: at some providers a GET writes, and anybody's link is one.
            await csrf.check(request)
        caller = await caller_of(work, "me")
        call = ProxiedCall(
            reader=caller.reader,
            method=request.method,
            host=request.path_params["host"].lower(),
            path=_raw_path(request),
            query=request.scope["query_string"].decode("latin-1"),
        )
        prepared = await prepare(
            work,
            parts,
            wanted=caller.wanted(
                request.path_params["connection_id"],
                feature=request.headers.get("limen-feature", ""),
            ),
            call=call,
        )
        return _Proxied(parts, request, prepared, actor=work.actor, site=work.site)

    path = "/api/v1/oauth/connections/{connection_id}/proxy/{host}/{path:path}"
    guard = require(CONNECTIONS_PROXY)
    return [route(path, proxied, guard=guard, face="json", methods=METHODS)]


class _Proxied(Response):
    """Sends the call and hands the answer on while it comes."""

    def __init__(
        self, parts: Parts, request: Request, prepared: Prepared, *, actor: Actor, site: Site
    ) -> None:
        super().__init__()
        self._parts = parts
        self._request = request
        self._prepared = prepared
        self._actor = actor
        self._site = site

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._exchange(noted)
        except Refusal as refusal:
            if begun:
                raise  # the server sees the answer is incomplete and hangs up
            await answer(self._request, refusal, "json")(scope, receive, send)

    async def _exchange(self, send: Send) -> None:
        body = await _body(self._request)
        async with AsyncExitStack() as stack:
            streaming = await self._send_upstream(stack, self._prepared.released, body)
            released = self._prepared.released
            if streaming.status == _UNAUTHORIZED and not isinstance(body, AsyncIterator):
                newer = await self._newer(released)
                if newer is not None:
                    released = newer
                    streaming = await self._send_upstream(stack, newer, body)
            await self._note_pause(streaming)
            await self._hand_on(streaming, released, send)

    async def _send_upstream(
        self, stack: AsyncExitStack, released: Released, body: bytes | AsyncIterator[bytes] | None
    ) -> Streaming:
        prepared, request = self._prepared, self._request
        headers = headers_out(request.headers.items(), api=prepared.api)
        raw_access = released.raw_access.reveal()
        return await stack.enter_async_context(
            stream(
                self._parts.net,
                request.method,
                with_key(prepared.url, api=prepared.api, raw_access=raw_access),
                headers=with_token(headers, api=prepared.api, raw_access=raw_access),
                body=body,
                bounds=Bounds(),
            )
        )

    async def _newer(self, released: Released) -> Released | None:
        """Return a newer token after a 401, if there is one to be had (F12)."""
        wanted = replace(self._prepared.wanted, seen_generation=released.generation)

        async def fetch(work: Work) -> Released:
            return await token_for(work, self._parts, wanted=wanted)

        try:
            found = await self._parts.works.run(self._site, fetch, actor=self._actor)
        except Refusal:
            return None  # the provider's own answer says it best
        if not set(found.scopes) <= set(released.scopes):
            return None  # it allows more than what this call was judged by
        return found if found.generation > released.generation else None

    async def _note_pause(self, streaming: Streaming) -> None:
        told = dict(streaming.headers)
        seconds = read_retry_after(
            told.get("retry-after"), date=told.get("date"), most_seconds=_MAX_PAUSE_SECONDS
        )
        if streaming.status not in _PAUSES or not seconds:
            return
        keep = functools.partial(
            pauses.pause,
            grant_id=self._prepared.released.grant_id,
            host=self._prepared.host,
            seconds=seconds,
        )
        await self._parts.works.run(self._site, keep, actor=self._actor)

    async def _hand_on(self, streaming: Streaming, released: Released, send: Send) -> None:
        raw_access = released.raw_access.reveal()
        also = struck_with(released.kind, raw_access)
        told = headers_back(
            streaming.headers, api=self._prepared.api, raw_access=raw_access, also=also
        )
        # Whatever it is, it must not run as a page of ours.
        told += [
            (_UPSTREAM, self._prepared.host),
            ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
            ("cache-control", "no-store"),
        ]
        # Byte for byte as they came: aiohttp reads them so.
        headers = [
            (name.encode("latin-1"), value.encode("utf-8", "surrogateescape"))
            for name, value in told
        ]
        await send({"type": "http.response.start", "status": streaming.status, "headers": headers})
        redactor = Redactor(raw_access, *also)
        async for chunk in streaming.chunks:
            safe = redactor.feed(chunk)
            if safe:
                await send({"type": "http.response.body", "body": safe, "more_body": True})
        await send({"type": "http.response.body", "body": redactor.end(), "more_body": False})


def _raw_path(request: Request) -> str:
    """Return the path below the host as it was sent: what is compared is what is called."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    text = raw.split(b"?")[0].decode("latin-1")
    marker = f"/proxy/{request.path_params['host']}"
    _, found, rest = text.partition(marker)
    if not found or not rest.startswith("/"):
        raise InvalidInput("proxy_path_refused", "The path can't be read.", field="path")
    return rest


async def _body(request: Request) -> bytes | AsyncIterator[bytes] | None:
    """Return a small body whole, so that it can be sent twice; a large one as it comes."""
    length = request.headers.get("content-length")
    if length is None and "transfer-encoding" not in request.headers:
        return None
    if length is not None and int(length) <= _REPLAYABLE_BYTES:
        return await request.body() or None
    return request.stream()
