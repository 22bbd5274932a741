"""Register, list, disable, enable, delete, give a new secret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, FromCursor, InTenant, split, tell, tell_page
from limen.protocol.client_metadata import AuthMethod, ClientType, Profile

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="Applications that obtain tokens.", no_args_is_help=True)

_Origins = Annotated[
    list[str] | None,
    typer.Option(metavar="ORIGIN", help="Of scripts; those of https redirects otherwise."),
]
_Uris = Annotated[list[str] | None, typer.Option(metavar="URI", help="May be repeated.")]


@group.command()
def create(  # noqa: PLR0913 -- each argument is an option
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people read at consent.")],
    *,
    client_type: Annotated[ClientType, typer.Option("--type")] = "web",
    redirect_uri: _Uris = None,
    post_logout_redirect_uri: _Uris = None,
    scope: Annotated[
        list[str] | None, typer.Option(metavar='"A B"', help="All it may ask for.")
    ] = None,
    auth_method: Annotated[
        AuthMethod | None, typer.Option(help="How it authenticates; its type's way otherwise.")
    ] = None,
    grant_type: Annotated[
        list[str] | None, typer.Option(help="May be repeated; its type's otherwise.")
    ] = None,
    jwks_uri: Annotated[str, typer.Option(metavar="URL", help="Where its keys are.")] = "",
    profile: Annotated[Profile, typer.Option(help="Rules it keeps to.")] = "",
    allowed_origin: _Origins = None,
    metadata: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON: more members of RFC 7591 and its relatives."),
    ] = None,
    first_party: Annotated[bool, typer.Option(help="Ours: no consent is asked.")] = False,
    trusted: Annotated[bool, typer.Option(help="No consent is asked.")] = False,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Register a client; its secret, if it has one, is shown once."""
    members = _members(metadata, jwks_uri=jwks_uri, profile=profile)

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.mutual_tls.offer import (  # noqa: PLC0415 -- loaded when it runs
            check_offered,
        )
        from limen.oauth.registry.check_addresses import (  # noqa: PLC0415 -- as above
            check_addresses,
        )
        from limen.oauth.registry.register_client import (  # noqa: PLC0415 -- as above
            NewClient,
            named_members,
            register_client,
        )

        new = NewClient(
            name=name,
            type=client_type,
            redirect_uris=tuple(redirect_uri or ()),
            post_logout_redirect_uris=tuple(post_logout_redirect_uri or ()),
            scope=split(scope) or None,
            auth_method=auth_method,
            grant_types=tuple(grant_type) if grant_type else None,
            allowed_origins=tuple(allowed_origin) if allowed_origin else None,
            metadata=members,
            first_party=first_party,
            trusted=trusted,
        )
        check_offered(runtime.mtls, named_members(new))
        await check_addresses(work, runtime.net, {**members, "redirect_uris": new.redirect_uris})
        made = await register_client(work, new=new, envelope=runtime.envelope)
        raw = made.raw_secret
        return {
            "client_id": made.client.client_id,
            "client_secret": None if raw is None else raw.reveal(),
        }

    tell(run_in_tenant(tenant, body), as_json=as_json)


def _members(file: Path | None, *, jwks_uri: str, profile: Profile) -> dict[str, Any]:
    """Put the options and the file's members together; options win."""
    named = {"jwks_uri": jwks_uri, "profile": profile}
    return {
        **read_json_object(file, field="metadata"),
        **{name: value for name, value in named.items() if value},
    }


@group.command("list")
def show(
    *,
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List clients, a page at a time."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.listing import list_clients  # noqa: PLC0415 -- as above

        page = await list_clients(work, runtime.envelope, cursor=cursor)
        clients = [
            {
                "client_id": client.client_id,
                "name": client.name,
                "type": client.type,
                "active": client.is_active,
            }
            for client in page.items
        ]
        return {"clients": clients, "next_cursor": page.next_cursor}

    tell_page(
        run_in_tenant(tenant, body),
        line=lambda each: (
            f"{each['client_id']}  {each['type']:<8} {each['name']}"
            + ("" if each["active"] else " (off)")
        ),
        none="No clients.",
        as_json=as_json,
    )


@group.command()
def disable(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Let a client do nothing any more; its tokens end at once."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.disable_client import disable_client  # noqa: PLC0415 -- as above

        await disable_client(work, client_id=client_id)
        return {"client_id": client_id, "active": False}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def enable(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Let a client act again; its tokens from before stay dead."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.disable_client import enable_client  # noqa: PLC0415 -- as above

        await enable_client(work, client_id=client_id)
        return {"client_id": client_id, "active": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def delete(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Forget a client; its tokens end at once, and nobody gets its id again."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.disable_client import delete_client  # noqa: PLC0415 -- as above

        await delete_client(work, client_id=client_id)
        return {"client_id": client_id, "deleted": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("rotate-secret")
def rotate_secret(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Give a client a new secret; the old one lives on for a day."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.rotate_client_secret import (  # noqa: PLC0415 -- as above
            rotate_client_secret,
        )

        rotated = await rotate_client_secret(work, client_id=client_id, envelope=runtime.envelope)
        return {
            "client_id": client_id,
            "client_secret": rotated.raw_secret.reveal(),
            "old_valid_until": rotated.old_valid_until.isoformat(),
        }

    tell(run_in_tenant(tenant, body), as_json=as_json)
