"""``limen tenant``: create, list."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import opened, read_settings
from limen.cli.say import AsJson, tell
from limen.kernel.actor import OPERATOR

if TYPE_CHECKING:
    from limen.tenants.tenant import Tenant

group = typer.Typer(help="Separate communities of people and clients.", no_args_is_help=True)


@group.command()
def create(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="Its name in /t/SLUG.")],
    *,
    name: Annotated[str, typer.Option(help="What its people read.")] = "",
    host: Annotated[str | None, typer.Option(help="A host name of its own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a tenant with its keys."""

    async def run() -> Tenant:
        from limen.tenants.create_tenant import (  # noqa: PLC0415 -- loaded when it runs
            NewTenant,
            create_tenant,
        )

        async with opened(read_settings()) as runtime:
            return await create_tenant(
                runtime.works,
                new=NewTenant(slug=slug, name=name, host=host),
                base_url=runtime.settings.base_url,
                keys=(runtime.envelope.create_keys, runtime.keyring.create_keys),
                actor=OPERATOR,
            )

    tell(_shown(asyncio.run(run())), as_json=as_json)


@group.command("list")
def show(*, as_json: AsJson = False) -> None:
    """List all tenants."""

    async def run() -> list[Tenant]:
        async with opened(read_settings()) as runtime:
            return await runtime.directory.all()

    tenants = [_shown(tenant) for tenant in asyncio.run(run())]
    words = "\n".join(f"{each['slug']:<20} {each['issuer']}" for each in tenants)
    tell({"tenants": tenants}, as_json=as_json, words=words)


def _shown(tenant: Tenant) -> dict[str, Any]:
    return {
        "tenant_id": tenant.tenant_id,
        "slug": tenant.slug,
        "name": tenant.name,
        "issuer": tenant.issuer,
    }
