"""``/api/v1/admin/clients/export`` and ``…/import``: clients as NDJSON."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import StreamingResponse

from limen.access.permissions import CLIENTS_READ, CLIENTS_WRITE
from limen.access.require import require
from limen.access.speak_for import check_may_speak_for
from limen.admin.batch import MOST, Done, Operation, Results, run_batch
from limen.admin.client_lines import MEDIA_TYPE, ClientLine, client_lines, read_line
from limen.admin.manage_clients import check_may_shape, shown
from limen.admin.parts import Parts
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, TooLarge
from limen.oauth.clients import Clients
from limen.oauth.mutual_tls.offer import check_offered
from limen.oauth.registry.check_addresses import check_addresses
from limen.oauth.transfer.import_client import import_client
from limen.web.deps import CurrentWork

_LINES: Final[dict[str, Any]] = {
    MEDIA_TYPE: {
        "schema": {"type": "string"},
        "example": '{"client_id": "0194c0b1-…", "type": "web", "metadata": {…}}\n',
    }
}
_BODY: Final = {
    "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
}


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/clients", tags=["admin: bulk"], route_class=kind)

    @router.get(
        "/export",
        dependencies=[require(CLIENTS_READ)],
        response_class=StreamingResponse,
        responses={200: {"description": "A line for each client.", "content": _LINES}},
    )
    async def export(work: CurrentWork) -> StreamingResponse:
        """Write down all clients, a line each, without their secrets."""
        lines = client_lines(parts.works, work.site, envelope=parts.envelope, actor=work.actor)
        headers = {
            "cache-control": "no-store",
            "content-disposition": 'attachment; filename="clients.ndjson"',
        }
        return StreamingResponse(lines, media_type=MEDIA_TYPE, headers=headers)

    @router.post("/import", dependencies=[require(CLIENTS_WRITE)], openapi_extra=_BODY)
    async def take_in(request: Request, work: CurrentWork) -> Results:
        """Let clients be as the lines say, known ones too; each line has a result of its own.

        Twice is fine. A client that is new and has a secret is given one, in this answer alone.
        """
        operations = [_read(raw, parts=parts) for raw in _split(await request.body())]
        return await run_batch(request, work, parts, operations=operations)

    return router


def _split(body: bytes) -> list[bytes]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MOST:
        raise TooLarge(public=f"Send {MOST} lines at most at a time.")
    return lines


def _read(raw: bytes, *, parts: Parts) -> tuple[str, Operation | InvalidInput]:
    try:
        line = read_line(raw)
    except InvalidInput as refusal:
        return "", refusal
    return line.client_id, partial(import_line, parts=parts, line=line)


async def import_line(work: Work, *, parts: Parts, line: ClientLine) -> Done:
    """Let a client be as a line says.

    Raises:
        NotPermitted: There is such a client with roles that the actor could not give; or nobody
            is asked about it, and it may do more than the actor.
    """
    await check_may_speak_for(work, principal_id=line.client_id)
    before = await Clients().fresh(work, line.client_id)
    check_offered(parts.mtls, line.metadata)
    await check_addresses(work, parts.net, line.metadata)
    done = await import_client(work, record=line.record(), envelope=parts.envelope)
    await check_may_shape(work, done.made.client, before=before)
    body = shown(done.made.client, done.made.raw_secret).model_dump(mode="json")
    return Done(status=201 if done.is_new else 200, body=body)
