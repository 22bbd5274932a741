"""``limen resource``: create, list."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, FromCursor, InTenant, split, tell, tell_page

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="APIs that tokens are for.", no_args_is_help=True)


@group.command()
def create(  # noqa: PLR0913 -- each argument is an option
    identifier: Annotated[str, typer.Argument(metavar="IDENTIFIER", help="An absolute URI.")],
    *,
    scope: Annotated[list[str] | None, typer.Option(metavar='"A B"', help="Its scopes.")] = None,
    default_scope: Annotated[
        list[str] | None,
        typer.Option(metavar='"A B"', help="What a request gets that names none."),
    ] = None,
    sender_constrained: Annotated[
        bool, typer.Option(help="It takes tokens that are bound to a key (DPoP, mTLS) alone.")
    ] = False,
    name: Annotated[str, typer.Option(help="What people read at consent.")] = "",
    example: Annotated[
        str, typer.Option(metavar="NAME", help="With the scopes of a known API: open-badges.")
    ] = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Create a resource with its scopes."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.create_resource import (  # noqa: PLC0415 -- loaded when it runs
            NewResource,
            create_resource,
        )
        from limen.oauth.registry.example_resources import (  # noqa: PLC0415 -- as above
            example_resource,
        )

        new = NewResource(identifier=identifier, name=name)
        if example:
            new = example_resource(example, identifier=identifier, name=name)
        new = dataclasses.replace(
            new,
            scopes=(*new.scopes, *split(scope)),
            default_scopes=split(default_scope),
            sender_constrained=sender_constrained,
        )
        made = await create_resource(work, new=new)
        return {
            "identifier": made.identifier,
            "scopes": list(made.scopes),
            "sender_constrained": made.sender_constrained,
        }

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(
    *,
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List resources, a page at a time."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.listing import list_resources  # noqa: PLC0415 -- as above

        page = await list_resources(work, runtime.envelope, cursor=cursor)
        resources = [
            {
                "identifier": each.identifier,
                "name": each.name,
                "scopes": list(each.scopes),
                "sender_constrained": each.sender_constrained,
            }
            for each in page.items
        ]
        return {"resources": resources, "next_cursor": page.next_cursor}

    tell_page(
        run_in_tenant(tenant, body),
        line=lambda each: f"{each['identifier']}  {' '.join(each['scopes'])}",
        none="No resources.",
        as_json=as_json,
    )
