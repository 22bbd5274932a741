"""``limen client initial-token``: leave for clients to register themselves."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, FromCursor, InTenant, tell, tell_page

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(
    help="Initial access tokens: who has one may register clients.", no_args_is_help=True
)


@group.command()
def create(
    *,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Whom it is for.")] = "",
    uses: Annotated[int, typer.Option(min=1, help="How many clients it registers.")] = 1,
    hours: Annotated[int, typer.Option(min=1, help="For how long.")] = 7 * 24,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Make a token; it is shown once."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registration.initial_tokens import (  # noqa: PLC0415 -- loaded when it runs
            create_initial_token,
        )

        ttl = dt.timedelta(hours=hours)
        made = await create_initial_token(work, name=name, uses=uses, ttl=ttl)
        return {
            "id": made.token.id,
            "token": made.raw_token.reveal(),
            "uses": uses,
            "expires_at": made.token.expires_at.isoformat(),
        }

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(
    *,
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List tokens, a page at a time; their values are never shown again."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registration.initial_tokens import (  # noqa: PLC0415 -- as above
            list_initial_tokens,
        )

        page = await list_initial_tokens(work, runtime.envelope, cursor=cursor)
        tokens = [
            {
                "id": token.id,
                "name": token.name,
                "uses_left": token.uses_left,
                "expires_at": token.expires_at.isoformat(),
            }
            for token in page.items
        ]
        return {"tokens": tokens, "next_cursor": page.next_cursor}

    tell_page(
        run_in_tenant(tenant, body),
        line=lambda each: (
            f"{each['id']}  {each['uses_left']:>6} left  {each['expires_at']}  {each['name']}"
        ),
        none="No initial access tokens.",
        as_json=as_json,
    )


@group.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Let a token register nothing any more; clients registered with it stay."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registration.initial_tokens import (  # noqa: PLC0415 -- as above
            revoke_initial_token,
        )

        await revoke_initial_token(work, token_id=token_id)
        return {"id": token_id, "revoked": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)
