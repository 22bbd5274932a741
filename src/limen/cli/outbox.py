"""``limen outbox``: what was given up, and having it tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, InTenant, tell

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

_MOST_SHOWN: Final = 1000

group = typer.Typer(
    help="Mails, notices and calls that were given up; webhooks have their own days and replay.",
    no_args_is_help=True,
)


@group.command("list")
def show(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List what was given up, the oldest first; at most a thousand."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.db.parked.retry import list_parked  # noqa: PLC0415 -- loaded when it runs

        found = await list_parked(work, most=_MOST_SHOWN)
        return {
            "deliveries": [
                {**each._asdict(), "created_at": each.created_at.isoformat()} for each in found
            ]
        }

    listed = run_in_tenant(tenant, body)
    lines = [
        f"{each['id']}  {each['created_at']}  {each['kind']:<24} {each['last_error']}"
        for each in listed["deliveries"]
    ]
    tell(listed, as_json=as_json, words="\n".join(lines) or "Nothing was given up.")


@group.command()
def retry(
    *,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="Say again for more; all without it."),
    ] = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Have it tried again, from the first attempt on; the server delivers it."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.db.parked.retry import retry_parked  # noqa: PLC0415 -- loaded when it runs

        return {"retried": await retry_parked(work, kinds=kinds or ())}

    done = run_in_tenant(tenant, body)
    tell(done, as_json=as_json, words=f"{done['retried']} to be tried again.")
