"""``limen provider``: say what a provider registered us as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, InTenant, read_secret, split, tell
from limen.kernel.secret import Secret

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Third-party providers.", no_args_is_help=True)


@group.callback()
def providers() -> None:
    """Keep ``set`` a command of its own while it is the only one."""


@group.command("set")
def register(  # noqa: PLR0913 -- each argument is an option
    provider: Annotated[str, typer.Argument(metavar="ID", help="google, notion …")],
    *,
    client_id: Annotated[str, typer.Option(help="As the provider registered us.")],
    client_secret_stdin: Annotated[
        bool, typer.Option("--client-secret-stdin", help="Read the secret from standard input.")
    ] = False,
    issuer: Annotated[str, typer.Option(help="For an OpenID provider not built in.")] = "",
    scope: Annotated[str, typer.Option(metavar='"A B"', help="To ask at sign-in.")] = "",
    connect_scope: Annotated[str, typer.Option(metavar='"A B"', help="To ask at connecting.")] = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Store our client at a provider; the secret is sealed."""
    raw = Secret(read_secret("Client secret", from_stdin=client_secret_stdin))

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.upstream_clients import (  # noqa: PLC0415 -- loaded when it runs
            NewUpstreamClient,
            set_upstream_client,
        )

        if issuer:
            runtime.net.check_url(issuer, field="issuer")
        new = NewUpstreamClient(
            provider=provider,
            client_id=client_id,
            raw_secret=raw,
            issuer=issuer,
            scopes=split(scope),
            connect_scopes=split(connect_scope),
        )
        await set_upstream_client(work, runtime.envelope, new=new)
        return {"provider": provider, "client_id": client_id}

    tell(run_in_tenant(tenant, body), as_json=as_json)
