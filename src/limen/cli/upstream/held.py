"""``limen connection list``, ``show`` and ``disconnect``: what is kept, by id; never a token."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, FromCursor, InTenant, tell, tell_page

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

_MOST: Final = 100
_Id = Annotated[str, typer.Argument(metavar="ID", help="As list names it.")]


def show_all(
    *,
    user: Annotated[
        str, typer.Option("--user", metavar="USER_ID", help="Only this person's.")
    ] = "",
    provider: Annotated[str, typer.Option(metavar="ID", help="Only at this provider.")] = "",
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List connections, a page at a time."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.vault.listing import list_held_tokens  # noqa: PLC0415 -- loaded when it runs

        found = await list_held_tokens(
            work, after=cursor, most=_MOST + 1, provider=provider, user_id=user
        )
        shown = found[:_MOST]
        return {
            "connections": [dataclasses.asdict(each) for each in shown],
            "next_cursor": shown[-1].id if len(found) > _MOST else None,
        }

    tell_page(
        run_in_tenant(tenant, body),
        line=lambda each: (
            f"{each['id']}  {each['user_id']}  {each['provider']}  {each['state']}  {each['label']}"
        ),
        none="No connections.",
        as_json=as_json,
    )


def show_one(connection_id: _Id, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Show one connection."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.vault.listing import (  # noqa: PLC0415 -- loaded when it runs
            get_connection,
            owner_of_connection,
        )

        owner = await owner_of_connection(work, connection_id)
        found = await get_connection(
            work, runtime.vault, connection_id=connection_id, user_id=owner
        )
        return {**dataclasses.asdict(found), "owner": owner}

    tell(run_in_tenant(tenant, body), as_json=as_json)


def end(connection_id: _Id, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """End one connection; its provider is told, and what was kept is erased."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.vault.disconnect import disconnect  # noqa: PLC0415 -- loaded when it runs
        from limen.vault.listing import owner_of_connection  # noqa: PLC0415 -- as above

        owner = await owner_of_connection(work, connection_id)
        ended = await disconnect(work, runtime.vault, connection_id=connection_id, user_id=owner)
        return {"disconnected": connection_id, "ends_at_provider": ended.revoked}

    tell(run_in_tenant(tenant, body), as_json=as_json)
