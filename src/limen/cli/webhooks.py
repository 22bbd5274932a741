"""``limen webhook``: who is told what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, InTenant, tell

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Receivers that are told what happens.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(metavar="ID")]


@group.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL")],
    *,
    kinds: Annotated[
        list[str],
        typer.Option("--type", metavar="TYPE", help="Say again for more; connection.*, or *."),
    ],
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Have an address told; the secret that signs is shown once."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.webhooks.manage import add_endpoint  # noqa: PLC0415 -- loaded when it runs

        shown = await add_endpoint(
            work, envelope=runtime.envelope, net=runtime.net, url=url, kinds=kinds
        )
        return {"id": shown.endpoint.id, "url": url, "secret": shown.raw_secret.reveal()}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List receivers."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.webhooks.manage import list_endpoints  # noqa: PLC0415 -- loaded when it runs

        found = await list_endpoints(work)
        return {
            "webhooks": [
                {"id": each.id, "url": each.url, "types": each.kinds, "state": each.state}
                for each in found
            ]
        }

    listed = run_in_tenant(tenant, body)
    lines = [f"{each['id']}  {each['state']}  {each['url']}" for each in listed["webhooks"]]
    tell(listed, as_json=as_json, words="\n".join(lines) or "No webhooks.")


@group.command("test")
def send_test_message(
    endpoint_id: _Id, *, tenant: InTenant = "default", as_json: AsJson = False
) -> None:
    """Send a receiver a message of type webhook.test; the server delivers it."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.webhooks.replay import send_test  # noqa: PLC0415 -- loaded when it runs

        message = await send_test(work, endpoint_id=endpoint_id)
        return {"id": endpoint_id, "message_id": message.id}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def remove(endpoint_id: _Id, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Tell a receiver no more."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.webhooks.manage import remove_endpoint  # noqa: PLC0415 -- loaded when it runs

        await remove_endpoint(work, endpoint_id=endpoint_id)
        return {"id": endpoint_id, "removed": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)
