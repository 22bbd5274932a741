"""``limen connection``: what is kept, what clients may do with it; brought here, taken along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, InTenant, tell
from limen.cli.upstream import held, moving

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Connections to other people's services.", no_args_is_help=True)
group.command("list")(held.show_all)
group.command("show")(held.show_one)
group.command("disconnect")(held.end)
group.command("import")(moving.take_in)
group.command("export")(moving.write_out)


@group.command("release-policy")
def release_policy(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
    mode: Annotated[
        Literal["raw", "proxy", "none"] | None,
        typer.Argument(help="raw: be given tokens; proxy: use them by the proxy; none."),
    ] = None,
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Say, or show, what a client may do with connections that people share with it.

    Who agreed to the proxy is asked again before `raw` gives a token of theirs away.
    """

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.vault.sharing.policy import (  # noqa: PLC0415 -- loaded when it runs
            check_client,
            get_release_policy,
            set_release_policy,
        )

        if mode is None:
            await check_client(work, runtime.vault, client_id=client_id)
            known = await get_release_policy(work, client_id=client_id)
            return {"client_id": client_id, "mode": known}
        await set_release_policy(work, runtime.vault, client_id=client_id, mode=mode)
        return {"client_id": client_id, "mode": mode}

    tell(run_in_tenant(tenant, body), as_json=as_json)
