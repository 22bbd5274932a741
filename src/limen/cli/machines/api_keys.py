"""``limen api-key``: create, list, revoke."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, FromCursor, InTenant, split, tell, tell_page

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Keys of people and service accounts.", no_args_is_help=True)

_User = Annotated[str, typer.Option("--user", metavar="ID", help="Whose: a person's.")]
_Account = Annotated[
    str, typer.Option("--service-account", metavar="CLIENT_ID", help="Whose: a machine's.")
]


@group.command()
def create(  # noqa: PLR0913 -- each argument is an option
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    scope: Annotated[list[str], typer.Option(metavar='"A B"', help="What it may do.")],
    user: _User = "",
    service_account: _Account = "",
    resource: Annotated[str, typer.Option(metavar="URI", help="The API; ours otherwise.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="How long it lives.")] = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown once."""
    if bool(user) == bool(service_account):
        raise typer.BadParameter("give --user or --service-account")

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.api_keys.for_account import (  # noqa: PLC0415 -- loaded when it runs
            create_account_key,
        )
        from limen.oauth.api_keys.for_person import create_key_for  # noqa: PLC0415 -- as above
        from limen.oauth.api_keys.wanted import WantedKey  # noqa: PLC0415 -- as above

        wanted = WantedKey(
            name=name,
            scope=split(scope),
            resource=resource or None,
            ttl=None if days is None else dt.timedelta(days=days),
        )
        if user:
            made = await create_key_for(
                work, resources=runtime.resources, user_id=user, wanted=wanted
            )
        else:
            made = await create_account_key(
                work, resources=runtime.resources, client_id=service_account, wanted=wanted
            )
        return {
            "id": made.key.id,
            "api_key": made.raw_key.reveal(),
            "resource": made.key.audience,
            "expires_at": made.key.expires_at.isoformat(),
        }

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(
    *,
    owner: Annotated[str, typer.Option(metavar="ID", help="Whose; everybody's otherwise.")] = "",
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List keys, a page at a time; the keys themselves are never shown again."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.api_keys.listing import key_page  # noqa: PLC0415 -- loaded when it runs

        page = await key_page(work, runtime.envelope, cursor=cursor, limit=50, owner_id=owner)
        return page.model_dump(mode="json")

    tell_page(
        run_in_tenant(tenant, body),
        line=lambda each: f"{each['id']}  {each['owner_id']}  {each['expires_at']}  {each['name']}",
        none="No API keys.",
        as_json=as_json,
    )


@group.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """End a key: it opens nothing from now on."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.tokens.api_keys.revoke import revoke_key  # noqa: PLC0415 -- loaded when it runs

        await revoke_key(work, key_id=key_id)
        return {"id": key_id, "revoked": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)
