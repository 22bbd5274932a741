"""``limen issuer``: whose word about our users is taken, and of whom it speaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, InTenant, tell

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Other issuers whose assertions are taken.", no_args_is_help=True)

_IssuerId = Annotated[str, typer.Argument(metavar="ISSUER_ID", help="As list names it.")]


@group.command()
def trust(
    issuer: Annotated[str, typer.Argument(metavar="ISSUER", help="Byte for byte its iss.")],
    *,
    file: Annotated[Path, typer.Option(metavar="FILE", help="What to believe, as JSON.")],
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Begin to trust an issuer, as far as the file says."""
    members = read_json_object(file, field="trust")

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.trust.issuer import Trust  # noqa: PLC0415 -- loaded when it runs
        from limen.oauth.trust.trust_issuer import trust_issuer  # noqa: PLC0415 -- as above

        trusted = await trust_issuer(
            work, net=runtime.net, issuer=issuer, trust=Trust.read(members)
        )
        return {"id": trusted.id, "issuer": trusted.issuer}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List the issuers that are trusted."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.trust.trust_issuer import (  # noqa: PLC0415 -- as above
            list_trusted_issuers,
        )

        found = await list_trusted_issuers(work, after="", limit=200)
        return {"issuers": [{"id": each.id, "issuer": each.issuer} for each in found]}

    listed = run_in_tenant(tenant, body)
    lines = [f"{each['id']}  {each['issuer']}" for each in listed["issuers"]]
    tell(listed, as_json=as_json, words="\n".join(lines) or "No issuers.")


@group.command()
def link(
    issuer_id: _IssuerId,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Its sub.")],
    user_id: Annotated[str, typer.Argument(metavar="USER_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Say whom an issuer's subject stands for."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.trust.link_subject import link_subject  # noqa: PLC0415 -- as above

        await link_subject(work, issuer_id=issuer_id, subject=subject, user_id=user_id)
        return {"issuer_id": issuer_id, "subject": subject, "user_id": user_id}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def end(issuer_id: _IssuerId, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Believe an issuer no more."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.trust.trust_issuer import end_trust  # noqa: PLC0415 -- as above

        await end_trust(work, issuer_id=issuer_id)
        return {"issuer_id": issuer_id, "trusted": False}

    tell(run_in_tenant(tenant, body), as_json=as_json)
