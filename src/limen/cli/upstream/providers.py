"""``limen provider``: say what a provider registered us as; list, describe, switch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, InTenant, split, tell
from limen.cli.upstream.provider_secrets import (
    CertificateFile,
    Ends,
    KeyFile,
    KeyId,
    MakeKey,
    Proof,
    SecretStdin,
    TeamId,
    read_proof,
)
from limen.cli.upstream.provider_secrets import group as secrets
from limen.cli.upstream.push_secrets import group as push_secrets

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.federation.catalogue.entry import Entry
    from limen.federation.catalogue.key_entry import KeyEntry

group = typer.Typer(help="Third-party providers.", no_args_is_help=True)
group.add_typer(secrets, name="secret")
group.add_typer(push_secrets, name="push-secret")

_Id = Annotated[str, typer.Argument(metavar="ID", help="google, notion …")]


@group.command("set")
def register(  # noqa: PLR0913 -- each argument is an option
    provider: _Id,
    *,
    client_id: Annotated[str, typer.Option(help="As the provider registered us.")] = "",
    credentials_only: Annotated[
        bool, typer.Option(help="No client of ours: people's own API keys and the like alone.")
    ] = False,
    client_secret_stdin: SecretStdin = False,
    key_file: KeyFile = None,
    certificate_file: CertificateFile = None,
    key_id: KeyId = "",
    team_id: TeamId = "",
    make_key: MakeKey = False,
    expires_at: Ends = None,
    issuer: Annotated[str, typer.Option(help="For an OpenID provider not built in.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(metavar='"A B"', help="To ask at sign-in.")
    ] = None,
    connect_scope: Annotated[
        list[str] | None, typer.Option(metavar='"A B"', help="To ask at connecting.")
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=VALUE", help="Of its address: tenant=contoso-id."),
    ] = None,
    allow_tenant: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Of Microsoft's, only these.")
    ] = None,
    refreshes_per_second: Annotated[
        float, typer.Option(min=0.0, help="How often tokens may be refreshed there; 0: no limit.")
    ] = 0.0,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Store our client at a provider; the secret is sealed, those before are forgotten."""
    proof = Proof(
        from_stdin=client_secret_stdin,
        key_file=key_file,
        certificate_file=certificate_file,
        key_id=key_id,
        team_id=team_id,
        make_key=make_key,
        expires_at=expires_at,
    )
    credential = None if credentials_only else read_proof(proof)
    values = _values(value or [])

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.describe_provider import (  # noqa: PLC0415 -- loaded when it runs
            check_new_client,
        )
        from limen.federation.upstream_clients import (  # noqa: PLC0415 -- as above
            NewUpstreamClient,
            set_upstream_client,
        )

        new = NewUpstreamClient(
            provider=provider,
            client_id=client_id,
            credential=None if credential is None else credential(work.site.issuer, work.now),
            credentials_only=credentials_only,
            issuer=issuer,
            scopes=split(scope),
            connect_scopes=split(connect_scope),
            values=values,
            allowed_tenants=tuple(allow_tenant or ()),
            refreshes_per_second=refreshes_per_second,
        )
        known = runtime.vault.federation.registry.providers
        await check_new_client(work, net=runtime.net, providers=known, new=new)
        await set_upstream_client(work, runtime.envelope, new=new)
        told = {"provider": provider, "client_id": client_id}
        certificate = new.credential.certificate if new.credential else ""
        return {**told, "certificate": certificate} if certificate else told

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List the tenant's providers."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.upstream_clients import (  # noqa: PLC0415 -- as above
            list_upstream_clients,
        )

        return {
            "providers": [
                {
                    "id": each.provider,
                    "client_id": each.client_id,
                    "state": each.state,
                    "incident": each.incident,
                    "secrets": len(each.credentials),
                }
                for each in await list_upstream_clients(work)
            ]
        }

    listed = run_in_tenant(tenant, body)
    lines = [
        f"{each['id']}  {each['state']}  {each['client_id']}  {each['incident'] or 'ok'}"
        for each in listed["providers"]
    ]
    tell(listed, as_json=as_json, words="\n".join(lines) or "No providers.")


@group.command()
def describe(
    provider: _Id,
    *,
    file: Annotated[Path, typer.Option(metavar="FILE", help="An entry, or an override, as JSON.")],
    override: Annotated[bool, typer.Option("--override", help="Of a shipped provider.")] = False,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Describe a provider of your own, or say what is different of a shipped one."""
    document = read_json_object(file, field="entry")

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.describe_provider import (  # noqa: PLC0415 -- as above
            Described,
            put_override,
            put_own_entry,
        )

        described = Described(id=provider, document=document)
        known = runtime.vault.federation.registry.providers
        if override:
            entry: Entry | KeyEntry = await put_override(work, providers=known, described=described)
        else:
            entry = await put_own_entry(work, net=runtime.net, providers=known, described=described)
        return {"provider": entry.id, "title": entry.title, "override": override}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def switch(
    provider: _Id,
    state: Annotated[str, typer.Argument(metavar="enabled|disabled")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Enable or disable a provider."""
    if state not in {"enabled", "disabled"}:
        raise typer.BadParameter("enabled or disabled")

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.upstream_clients import switch_provider  # noqa: PLC0415 -- as above

        await switch_provider(
            work, provider=provider, state="enabled" if state == "enabled" else "disabled"
        )
        return {"provider": provider, "state": state}

    tell(run_in_tenant(tenant, body), as_json=as_json)


def _values(given: list[str]) -> dict[str, str]:
    values = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each}: write NAME=VALUE")
        values[name] = value
    return values
