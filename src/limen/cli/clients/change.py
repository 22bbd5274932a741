"""``limen client show`` and ``update``: all that a client registered, and some of it anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, InTenant, tell
from limen.protocol.client_metadata import Profile

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

_ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID")]


def show(client_id: _ClientId, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Show a client without its secrets."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.admin.schemas import ClientView  # noqa: PLC0415 -- loaded when it runs
        from limen.oauth.clients import Clients  # noqa: PLC0415 -- as above
        from limen.oauth.registry.update_client import client_not_found  # noqa: PLC0415 -- as above

        client = await Clients().fresh(work, client_id)
        if client is None:
            raise client_not_found()
        return ClientView.of(client).model_dump(mode="json")

    tell(run_in_tenant(tenant, body), as_json=as_json)


def update(
    client_id: _ClientId,
    *,
    metadata: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON: members of RFC 7591 and its relatives; null gives one back to its default.",
        ),
    ] = None,
    profile: Annotated[Profile | None, typer.Option(help="Rules it keeps to.")] = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Change some of what a client registered; a secret it had not is shown once."""
    members = read_json_object(metadata, field="metadata")
    if profile is not None:
        members["profile"] = profile

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.admin.schemas import ClientView  # noqa: PLC0415 -- as above
        from limen.oauth.clients import Clients  # noqa: PLC0415 -- as above
        from limen.oauth.mutual_tls.offer import check_offered  # noqa: PLC0415 -- as above
        from limen.oauth.registry.check_addresses import (  # noqa: PLC0415 -- as above
            changed_addresses,
            check_addresses,
        )
        from limen.oauth.registry.update_client import (  # noqa: PLC0415 -- as above
            ClientChanges,
            client_not_found,
            update_client,
        )

        before = await Clients().fresh(work, client_id)
        if before is None:
            raise client_not_found()
        check_offered(runtime.mtls, members)
        addresses = changed_addresses(before.metadata, members)
        await check_addresses(work, runtime.net, addresses)
        changes = ClientChanges(metadata=members)
        made = await update_client(
            work, client_id=client_id, changes=changes, envelope=runtime.envelope
        )
        secret = made.raw_secret
        shown = ClientView.of(made.client).model_dump(mode="json")
        return {**shown, "client_secret": None if secret is None else secret.reveal()}

    tell(run_in_tenant(tenant, body), as_json=as_json)
