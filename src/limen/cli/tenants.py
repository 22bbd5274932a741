"""``limen tenant``: create, list, show, policy, disable, enable."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import find_tenant, no_tenant, opened, read_settings
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, tell
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.tenants.directory import Chosen
    from limen.tenants.tenant import Tenant

_Slug = Annotated[str, typer.Argument(metavar="SLUG", help="Its name.")]

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
                defaults=runtime.defaults,
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
    tell({"tenants": tenants}, as_json=as_json, words="\n".join(map(_line, tenants)))


@group.command("show")
def show_one(slug: _Slug, *, as_json: AsJson = False) -> None:
    """Show a tenant: where it is, whether it answers, and its policy."""

    async def run() -> dict[str, Any]:
        async with opened(read_settings()) as runtime:
            tenant = await find_tenant(runtime, slug)
            return {**_shown(tenant), "version": tenant.version, "policy": tenant.policy.as_json()}

    shown = asyncio.run(run())
    plain = {name: value for name, value in shown.items() if name != "policy"}
    words = [f"{name.replace('_', ' '):<10} {value or '-'}" for name, value in plain.items()]
    words += [f"policy     {name} = {json.dumps(value)}" for name, value in shown["policy"].items()]
    tell(shown, as_json=as_json, words="\n".join(words))


@group.command()
def policy(
    slug: _Slug,
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="A JSON object: members to change, null for those to give back."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Choose what the file has, and nothing else.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a tenant chose of its policy; with a file, change it, one that keeps it off too."""
    if replace and file is None:
        raise InvalidInput("file_missing", "Name the --file that it is to be.", field="file")
    changes = read_json_object(file, field="policy")

    async def run() -> Chosen:
        async with opened(read_settings(), mending=True) as runtime:
            if file is not None:
                await _change_policy(runtime, slug, changes=changes, replace=replace)
            return await _chosen(runtime, slug)

    found = asyncio.run(run())
    shown = {
        "slug": slug,
        "state": found.tenant.state,
        "chosen": dict(found.members),
        "refusal": found.refusal,
    }
    words = [f"{name} = {json.dumps(value)}" for name, value in found.members.items()]
    words += [found.refusal] if found.refusal else []
    tell(shown, as_json=as_json, words="\n".join(words) or "It follows the server's settings.")


async def _change_policy(
    runtime: Runtime, slug: str, *, changes: Mapping[str, Any], replace: bool
) -> None:
    from limen.tenants.update_policy import update_policy  # noqa: PLC0415 -- loaded when it runs

    found = await _chosen(runtime, slug)

    async def change(work: Work) -> None:
        await update_policy(work, changes=changes, defaults=runtime.defaults, replace=replace)

    await runtime.works.run(found.tenant, change, actor=OPERATOR)


async def _chosen(runtime: Runtime, slug: str) -> Chosen:
    found = await runtime.directory.chosen(slug)
    if found is None:
        raise no_tenant(slug)
    return found


@group.command()
def disable(slug: _Slug, *, as_json: AsJson = False) -> None:
    """Have a tenant answer nobody, as if it were not there; what it holds is kept."""
    from limen.tenants.switch_tenant import suspend_tenant  # noqa: PLC0415 -- loaded when it runs

    _switch(slug, suspend_tenant, as_json=as_json)


@group.command()
def enable(slug: _Slug, *, as_json: AsJson = False) -> None:
    """Have a disabled tenant answer again, with all that it had."""
    from limen.tenants.switch_tenant import resume_tenant  # noqa: PLC0415 -- loaded when it runs

    _switch(slug, resume_tenant, as_json=as_json)


def _switch(slug: str, switch: Callable[[Work], Awaitable[None]], *, as_json: bool) -> None:
    async def run() -> Tenant:
        async with opened(read_settings()) as runtime:
            tenant = await find_tenant(runtime, slug)
            await runtime.works.run(tenant, switch, actor=OPERATOR)
            return await find_tenant(runtime, slug)

    tell(_shown(asyncio.run(run())), as_json=as_json)


def _line(shown: Mapping[str, Any]) -> str:
    off = "" if shown["state"] == "active" else "  (off)"
    return f"{shown['slug']:<20} {shown['issuer']}{off}"


def _shown(tenant: Tenant) -> dict[str, Any]:
    return {
        "tenant_id": tenant.tenant_id,
        "slug": tenant.slug,
        "name": tenant.name,
        "host": tenant.host,
        "issuer": tenant.issuer,
        "state": tenant.state,
    }
