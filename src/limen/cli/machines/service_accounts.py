"""``limen service-account``: create, list, disable, delete, and its secrets."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.access.permissions import Role
from limen.cli.inside import run_in_tenant
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, FromCursor, InTenant, split, tell, tell_page

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Machines with roles and several credentials.", no_args_is_help=True)

_ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID")]
_Days = Annotated[int | None, typer.Option(min=1, help="After which it ends; never otherwise.")]


@group.command()
def create(  # noqa: PLR0913 -- each argument is an option
    name: Annotated[str, typer.Argument(metavar="NAME")],
    *,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(metavar='"A B"', help="All it may ask for.")
    ] = None,
    resource: Annotated[
        str, typer.Option(metavar="URI", help="The API of its tokens, if it names none.")
    ] = "",
    role: Annotated[Role | None, typer.Option(help="What it may do in Limen itself.")] = None,
    days: _Days = None,
    jwks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its public keys, instead of a secret.")
    ] = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Create a service account; its secret, unless it has keys, is shown once."""
    keys = read_json_object(jwks, field="jwks") or None

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.access.grant_role import grant_role  # noqa: PLC0415 -- loaded when it runs
        from limen.oauth.service_accounts.create import (  # noqa: PLC0415 -- as above
            NewAccount,
            create_account,
        )

        new = NewAccount(
            name=name,
            description=description,
            scope=split(scope),
            default_resource=resource or None,
            expires_at=_after(work, days),
            jwks=keys,
            with_secret=keys is None,
        )
        made = await create_account(work, new=new, envelope=runtime.envelope)
        client_id = made.account.client.client_id
        if role is not None:
            await grant_role(work, principal_id=client_id, role=role, kind="client")
        raw = made.raw_secret
        return {"client_id": client_id, "client_secret": None if raw is None else raw.reveal()}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(
    *,
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List service accounts, a page at a time."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.service_accounts.find import list_accounts  # noqa: PLC0415 -- as above

        page = await list_accounts(work, runtime.envelope, cursor=cursor)
        accounts = [
            {
                "client_id": each.client_id,
                "name": each.name,
                "description": each.description,
                "expires_at": each.expires_at,
                "last_used_at": each.last_used_at,
            }
            for each in page.items
        ]
        return {"service_accounts": accounts, "next_cursor": page.next_cursor}

    tell_page(
        run_in_tenant(tenant, body),
        line=lambda each: (
            f"{each['client_id']}  last used {each['last_used_at'] or 'never'}"
            f"  {each['name']}{each['description'] and ': ' + each['description']}"
        ),
        none="No service accounts.",
        as_json=as_json,
    )


@group.command("add-secret")
def add_secret(
    client_id: _ClientId,
    *,
    days: _Days = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Add a secret beside the others; it is shown once."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.service_accounts import credentials  # noqa: PLC0415 -- as above

        secret, raw = await credentials.add_secret(
            work, client_id=client_id, expires_at=_after(work, days)
        )
        return {"id": secret.id, "client_secret": raw.reveal(), "expires_at": secret.expires_at}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("remove-secret")
def remove_secret(
    client_id: _ClientId,
    secret_id: Annotated[str, typer.Argument(metavar="SECRET_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Remove a secret; it is worth nothing from now on."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.service_accounts import credentials  # noqa: PLC0415 -- as above

        await credentials.remove_secret(work, client_id=client_id, secret_id=secret_id)
        return {"id": secret_id, "removed": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def delete(client_id: _ClientId, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Forget a service account; its tokens and keys end at once."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.disable_client import delete_client  # noqa: PLC0415 -- as above
        from limen.oauth.service_accounts.find import get_account  # noqa: PLC0415 -- as above

        await get_account(work, client_id=client_id)
        await delete_client(work, client_id=client_id)
        return {"client_id": client_id, "deleted": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)


def _after(work: Work, days: int | None) -> dt.datetime | None:
    return None if days is None else work.now + dt.timedelta(days=days)
