"""``/api/v1/admin/connections/import``: connections that another application held, with proof."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute

from limen.access.permissions import CONNECTIONS_IMPORT
from limen.access.require import require
from limen.admin.batch import Done, Operation, Results, run_batch
from limen.admin.client_lines import MEDIA_TYPE
from limen.admin.parts import Parts
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound, TooLarge
from limen.vault.moving.outcome import How
from limen.vault.parts import Parts as VaultParts
from limen.web.deps import CurrentWork

if TYPE_CHECKING:
    from limen.vault.moving.line import ConnectionLine

MOST: Final = 50
"""Lines of one request: each asks a provider."""
_BODY: Final = {
    "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
}


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/connections", tags=["admin: bulk"], route_class=kind)

    @router.post("/import", dependencies=[require(CONNECTIONS_IMPORT)], openapi_extra=_BODY)
    async def take_in(
        request: Request,
        work: CurrentWork,
        *,
        dry_run: bool = False,
        prove_by_refresh: bool = False,
        replace: bool = False,
    ) -> Results:
        """Connect people's accounts by tokens another application holds, a line of NDJSON each.

        The provider says whose account each is; a line that claims another is refused. Up to 50
        lines, each with a result of its own; the same lines may come again. ``dry_run`` connects
        nothing, and spends no refresh token that rotates unless ``prove_by_refresh`` says so.
        """
        vault = parts.vault
        if vault is None:
            raise NotFound("connection_not_found", "There are no connections here.")
        how = How(dry_run=dry_run, by_refresh=prove_by_refresh, replace=replace)
        operations = _read(await request.body(), vault=vault, how=how)
        return await run_batch(request, work, parts, operations=operations)

    return router


def _read(
    body: bytes, *, vault: VaultParts, how: How
) -> list[tuple[str, Operation | InvalidInput]]:
    from limen.vault.moving.line import (  # noqa: PLC0415 -- a model few installations need
        Seen,
        read_connection_line,
    )

    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MOST:
        raise TooLarge(public=f"Send {MOST} lines at most at a time.")
    seen = Seen()
    operations: list[tuple[str, Operation | InvalidInput]] = []
    for raw in lines:
        try:
            line = read_connection_line(raw)
            seen.check(line)
        except InvalidInput as refusal:
            operations.append(("", refusal))
            continue
        operations.append((line.id, partial(import_line, vault=vault, line=line, how=how)))
    return operations


async def import_line(work: Work, *, vault: VaultParts, line: ConnectionLine, how: How) -> Done:
    """Take in one connection.

    The Work waits without a connection: what is asked of the provider has Works of its own. Asked
    again, an import that was done says so.

    Raises:
        Refusal: As ``take_in``.
    """
    from limen.vault.moving.take_in import take_in  # noqa: PLC0415 -- as above

    await work.let_go()
    done = await take_in(vault, work.site, line=line, how=how, actor=work.actor)
    is_new = done.verdict == "imported"
    return Done(status=201 if is_new else 200, body=done.to_json())
