"""``limen provider push-secret``: what GitHub and Slack sign the events with that they send us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, InTenant, read_secret, tell
from limen.kernel.secret import Secret

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="What providers sign their events with.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(metavar="ID", help="github, slack …")]


@group.command("set")
def put(
    provider: _Id,
    *,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the secret from standard input.")
    ] = False,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Keep a provider's signing secret; replaces the one before. Says where events go."""
    raw = Secret(read_secret("Signing secret", from_stdin=secret_stdin))

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.vault.push.secrets import (  # noqa: PLC0415 -- loaded when it runs
            events_url,
            set_push_secret,
        )

        await set_push_secret(work, runtime.vault, provider=provider, raw_secret=raw)
        return {"provider": provider, "url": events_url(work, provider=provider)}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List whose events are believed, and where they go; no secret is shown."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.vault.push.secrets import list_push_secrets  # noqa: PLC0415 -- as above

        found = await list_push_secrets(work)
        return {
            "push_secrets": [
                {"provider": each.provider, "url": each.url, "updated_at": each.updated_at}
                for each in found
            ]
        }

    listed = run_in_tenant(tenant, body)
    lines = [
        f"{each['provider']}  {each['url']}  since {each['updated_at']}"
        for each in listed["push_secrets"]
    ]
    tell(listed, as_json=as_json, words="\n".join(lines))


@group.command()
def retire(provider: _Id, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Forget a provider's signing secret: none of its events is believed any more."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.vault.push.secrets import retire_push_secret  # noqa: PLC0415 -- as above

        await retire_push_secret(work, provider=provider)
        return {"provider": provider, "retired": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)
