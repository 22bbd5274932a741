"""``limen client export`` and ``import``: clients as lines of NDJSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import find_tenant, opened, read_settings
from limen.cli.say import AsJson, InTenant, complain
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import Refusal

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.tenants.tenant import Tenant

_File = Annotated[Path | None, typer.Argument(metavar="FILE", help="Standard input otherwise.")]


def export(*, tenant: InTenant = "default") -> None:
    """Print all clients, a line of JSON each, without their secrets."""

    async def run() -> None:
        from limen.admin.client_lines import client_lines  # noqa: PLC0415 -- loaded when it runs

        async with opened(read_settings()) as runtime:
            site = await find_tenant(runtime, tenant)
            lines = client_lines(runtime.works, site, envelope=runtime.envelope, actor=OPERATOR)
            async for line in lines:
                sys.stdout.write(line.decode())

    asyncio.run(run())


def take_in(file: _File = None, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Let clients be as the lines say, new and known ones; tells what became of each.

    New clients with a secret are given one, shown once. Exits with 1 if any line was refused.
    """
    lines = (sys.stdin.buffer.read() if file is None else file.read_bytes()).split(b"\n")

    async def run() -> bool:
        is_fine = True
        async with opened(read_settings()) as runtime:
            site = await find_tenant(runtime, tenant)
            for number, raw in enumerate(lines, start=1):
                if raw.strip():
                    is_fine &= await _one(runtime, site, raw, number=number, as_json=as_json)
        return is_fine

    if not asyncio.run(run()):
        raise typer.Exit(1)


async def _one(runtime: Runtime, site: Tenant, raw: bytes, *, number: int, as_json: bool) -> bool:
    from limen.admin.client_lines import read_line  # noqa: PLC0415 -- loaded when it runs
    from limen.oauth.mutual_tls.offer import check_offered  # noqa: PLC0415 -- as above
    from limen.oauth.registry.check_addresses import (  # noqa: PLC0415 -- as above
        check_addresses,
    )
    from limen.oauth.transfer.import_client import import_client  # noqa: PLC0415 -- as above

    async def body(work: Work) -> dict[str, Any]:
        line = read_line(raw)
        check_offered(runtime.mtls, line.metadata)
        await check_addresses(work, runtime.net, line.metadata)
        done = await import_client(work, record=line.record(), envelope=runtime.envelope)
        secret = done.made.raw_secret
        return {
            "line": number,
            "client_id": line.client_id,
            "created": done.is_new,
            "client_secret": None if secret is None else secret.reveal(),
        }

    try:
        told = await runtime.works.run(site, body, actor=OPERATOR)
    except Refusal as refusal:
        complain(f"line {number}: {refusal.public}", as_json=as_json, code=refusal.code)
        return False
    if as_json:
        print(json.dumps(told))
    else:
        verb = "created" if told["created"] else "changed"
        print(f"{told['client_id']}  {verb}  {told['client_secret'] or ''}".rstrip())
    return True
