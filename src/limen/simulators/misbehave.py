"""Faults and lies on demand: the failures that real providers show, one call at a time."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from limen.kernel.clock import Clock
from limen.simulators.state import Fault, State, Store

_HUGE_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a simulated provider stands.

    Args:
        base_url: Absolute, no slash at its end; the provider's issuer, all endpoints under it.
        clock: The development clock; ``Lies.skew_seconds`` comes on top.
        store: What the provider remembers.
    """

    base_url: str
    clock: Clock
    store: Store

    def now(self, state: State) -> dt.datetime:
        """Return the provider's own idea of the time."""
        return self.clock.now() + dt.timedelta(seconds=state.lies.skew_seconds)


class Cut(Response):
    """Promise a body and close the connection instead."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Huge(Response):
    """Send more than anybody should read."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sent = 0
        while sent < _HUGE_BYTES:
            message = await _disconnected(receive)
            if message:
                return
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            sent += 65536


async def answer(stage: Stage, operation: str, perform: Callable[[State], Response]) -> Response:
    """Do what was asked of an operation, or fail in the way that was ordered.

    Args:
        stage: The provider.
        operation: What is counted and what faults are ordered for, ``refresh`` say.
        perform: The honest work; does not await.
    """
    with stage.store.change() as state:
        state.calls[operation] = state.calls.get(operation, 0) + 1
        waiting = state.faults.get(operation, [])
        fault = waiting.pop(0) if waiting else None
        delay = state.lies.latency_seconds
        done = None
        if fault is None or fault.kind in {"drop", "slow"}:
            done = perform(state)
    if fault is not None and fault.kind == "slow":
        delay += fault.seconds
    if delay:
        await asyncio.sleep(delay)
    if done is not None and (fault is None or fault.kind == "slow"):
        return done
    assert fault is not None
    return _failure(fault)


def lied(honest: Mapping[str, Any], lie: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay a lie on an honest answer; ``None`` removes the member."""
    told = {**honest, **lie}
    return {name: value for name, value in told.items() if not (name in lie and value is None)}


def _failure(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    match fault.kind:
        case "html":
            return HTMLResponse("<h1>Sorry</h1>", fault.status, headers=headers)
        case "array":
            return JSONResponse(["not", "an", "object"], 200)
        case "status":
            return JSONResponse({"message": "failure on demand"}, fault.status, headers=headers)
        case "error":
            return JSONResponse({"error": fault.error}, fault.status, headers=headers)
        case "huge":
            return Huge()
        case _:
            return Cut()


async def _disconnected(receive: Receive) -> bool:
    waiting = asyncio.ensure_future(receive())
    done, _ = await asyncio.wait({waiting}, timeout=0)
    if not done:
        waiting.cancel()
        return False
    return bool(waiting.result()["type"] == "http.disconnect")
