"""A host application with routes of its own, some of which ask Limen who is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Form, Request

from limen.embed import Limen
from limen.kernel.actor import Actor


def host_with_routes() -> FastAPI:
    """Return a host whose guarded routes find their Limen once it is mounted."""
    host = FastAPI()

    def limen() -> Limen:
        mounted: Limen = host.state.limen
        return mounted

    @host.get("/own")
    async def own() -> dict[str, str]:
        return {"from": "host"}

    @host.get("/who")
    async def who(request: Request) -> dict[str, Any]:
        actor = await limen().current_user(request)
        return _told(actor)

    @host.post("/do")
    async def do(request: Request) -> dict[str, Any]:
        actor = await limen().current_user(request)
        return _told(actor)

    @host.get("/things")
    async def things(request: Request) -> dict[str, Any]:
        token = await limen().require_scope("read")(request)
        return {"client": token.client_id, "user": token.user_id}

    _add_forms(host, limen)
    return host


def _add_forms(host: FastAPI, limen: Callable[[], Limen]) -> None:
    async def whoever(request: Request) -> Actor:
        return await limen().current_user(request)

    known = Depends(whoever)

    @host.post("/form")
    async def form(note: Annotated[str, Form()], actor: Any = known) -> dict[str, Any]:
        return {**_told(actor), "note": note}

    @host.post("/read")
    async def read(request: Request) -> dict[str, Any]:
        actor = await limen().current_user(request)
        return {**_told(actor), "note": (await request.form())["note"]}

    @host.post("/stream")
    async def stream(request: Request) -> dict[str, Any]:
        note = b"".join([each async for each in request.stream()]).decode()
        return {**_told(await limen().current_user(request)), "note": note}


def _told(actor: Actor) -> dict[str, Any]:
    return {"kind": actor.kind, "id": actor.id, "client": actor.client_id}
