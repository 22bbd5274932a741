"""``limen audit search`` and ``export``: read the log, take it along with its proof."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TextIO

import typer

from limen.cli.audit.options import Since, Until, in_utc
from limen.cli.inside import find_tenant, opened, read_settings, run_in_tenant
from limen.cli.say import AsJson, FromCursor, InTenant, progress, tell_page

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.tenants.tenant import Tenant

_PRIVATE: Final = 0o600
_Name = Annotated[str, typer.Option(metavar="NAME", help="account:session:started, say.")]


def search(  # noqa: PLR0913 -- one argument for each option
    *,
    name: _Name = "",
    outcome: Annotated[Literal["done", "denied"] | None, typer.Option()] = None,
    actor: Annotated[str, typer.Option(metavar="ID", help="Who asked.")] = "",
    user: Annotated[str, typer.Option(metavar="ID", help="Whom it concerns.")] = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(help="A page's events.")] = 50,
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List events, newest first."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.audit.seals.event_hash import members_of  # noqa: PLC0415 -- as above
        from limen.audit.search import AuditFilters  # noqa: PLC0415 -- loaded when it runs
        from limen.audit.search import search as find  # noqa: PLC0415 -- as above

        filters = AuditFilters(
            name=name,
            outcome=outcome or "",
            actor_id=actor,
            user_id=user,
            since=in_utc(since),
            until=in_utc(until),
        )
        key = await runtime.envelope.derive(work, "cursor")
        page = await find(work, filters=filters, key=key, cursor=cursor, limit=limit)
        events = [members_of(work.tenant_id, event) for event in page.events]
        return {"events": events, "next_cursor": page.next_cursor}

    tell_page(run_in_tenant(tenant, body), line=_line, none="No events.", as_json=as_json)


def export(
    *,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file, for you alone to read.")
    ] = None,
    since: Since = None,
    tenant: InTenant = "default",
) -> None:
    """Write down the sealed events with their seals, a line of JSON each, signed at the end.

    `limen audit verify --file FILE` proves it anywhere. What has no seal yet is left out.
    """

    async def run(to: TextIO) -> None:
        async with opened(read_settings()) as runtime:
            from limen.audit.seals.export import export_lines  # noqa: PLC0415 -- loaded when it runs

            site = await find_tenant(runtime, tenant)
            await _seal(runtime, site)
            lines = export_lines(runtime.works, runtime.envelope, site, since=in_utc(since))
            written = 0
            async for line in lines:
                to.write(line + "\n")
                written += 1
        progress(f"{written} lines")

    with _opened_output(output) as to:
        asyncio.run(run(to))
        to.flush()


async def _seal(runtime: Runtime, tenant: Tenant) -> None:
    """Seal what waits; a server that runs has the lease and does it itself, within seconds."""
    from limen.app.loops import site_of  # noqa: PLC0415 -- loaded when it runs
    from limen.audit.seals.sealer import Sealer  # noqa: PLC0415 -- as above

    sealer = Sealer(runtime.works, runtime.envelope, site_of=partial(site_of, runtime))
    while await sealer.seal_batch(tenant):
        pass


def _line(event: Mapping[str, Any]) -> str:
    who = f"{event['actor_kind']} {event['actor_id']}".strip()
    whom = f" for {event['user_id']}" if event["user_id"] else ""
    return f"{event['at'][:19]}Z  {event['name']}  {event['outcome']}  by {who}{whom}"


@contextmanager
def _opened_output(file: Path | None) -> Iterator[TextIO]:
    """Open a file that was not there: nobody else has it open, and nobody else may read it."""
    if file is None:
        yield sys.stdout
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as to:
        yield to
