"""``limen user``: create, show, disable, enable, close, invite."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.access.permissions import Role
from limen.cli.inside import run_in_tenant
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, InTenant, read_secret, tell, tell_page
from limen.kernel.secret import Secret
from limen.web.languages.negotiate import DEFAULT, Language

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="People.", no_args_is_help=True)

_UserId = Annotated[str, typer.Argument(metavar="USER_ID")]


@group.command()
def create(  # noqa: PLR0913 -- each argument is an option
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    verified: Annotated[bool, typer.Option("--verified", help="The mailbox is theirs.")] = False,
    role: Annotated[Role | None, typer.Option(help="What they may administer.")] = None,
    claims: Annotated[
        Path | None, typer.Option(metavar="FILE", help="OpenID standard claims, as JSON.")
    ] = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Create a person."""
    raw = Secret(read_secret("Password", from_stdin=password_stdin))
    known = read_json_object(claims, field="claims")

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.access.grant_role import grant_role  # noqa: PLC0415 -- loaded when it runs
        from limen.accounts.create_user import NewUser, create_user  # noqa: PLC0415 -- as above

        new = NewUser(email=email, password=raw, verified=verified, claims=known)
        user = await create_user(work, new=new, hasher=runtime.hasher)
        if role is not None:
            await grant_role(work, principal_id=user.id, role=role)
        return {"user_id": user.id, "email": user.email, "role": role or "member"}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def show(
    who: Annotated[str, typer.Argument(metavar="EMAIL_OR_USER_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Tell who somebody is: the id that the other commands want, state and roles."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.access.rights import roles_of  # noqa: PLC0415 -- as above
        from limen.accounts.directory import (  # noqa: PLC0415 -- as above
            find_user_by_email,
            get_user,
        )

        found = await find_user_by_email(work, who) if "@" in who else None
        user = found or await get_user(work, who)
        return {
            "user_id": user.id,
            "email": user.email,
            "email_verified": user.is_verified,
            "state": user.state,
            "roles": [*await roles_of(work, user.id), "member"],
        }

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def disable(user_id: _UserId, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Let a person sign in no more; sessions and tokens end at once."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.accounts.ending.disable_user import disable_user  # noqa: PLC0415 -- as above

        await disable_user(work, user_id=user_id)
        return {"user_id": user_id, "active": False}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def enable(user_id: _UserId, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Let a person sign in again."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.accounts.ending.disable_user import enable_user  # noqa: PLC0415 -- as above

        await enable_user(work, user_id=user_id)
        return {"user_id": user_id, "active": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def close(user_id: _UserId, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """Close a person's account for good: what names, proves and describes them is erased."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.accounts.ending.close_account import close_account  # noqa: PLC0415 -- as above

        await close_account(work, user_id=user_id)
        return {"user_id": user_id, "closed": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def invite(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    *,
    role: Annotated[Role, typer.Option(help="What they may administer.")] = "member",
    days: Annotated[int, typer.Option(help="For how long the link is good.")] = 7,
    language: Annotated[Language, typer.Option(help="Of the mail.")] = DEFAULT,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Mail somebody a link to open an account with."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.access.invitations.invite import invite as send  # noqa: PLC0415 -- as above

        made = await send(
            work,
            envelope=runtime.envelope,
            email=email,
            role=role,
            days=days,
            language=language,
        )
        return {"invitation_id": made.id, "email": made.email, "role": made.role}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def invitations(*, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List who was invited, and what became of it."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.access.invitations.invite import list_invitations  # noqa: PLC0415 -- as above

        found = await list_invitations(work, most=1000)
        told = [
            {
                "id": each.id,
                "email": each.email,
                "role": each.role,
                "state": each.shown_state(work.now),
                "expires_at": each.expires_at,
            }
            for each in found
        ]
        return {"invitations": told, "next_cursor": ""}

    def line(told: Mapping[str, Any]) -> str:
        return f"{told['id']}  {told['email']}  {told['role']}  {told['state']}"

    tell_page(run_in_tenant(tenant, body), line=line, none="Nobody was invited.", as_json=as_json)


@group.command("revoke-invitation")
def revoke_invitation(
    invitation_id: Annotated[str, typer.Argument(metavar="INVITATION_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Take a pending invitation back: its link opens nothing any more."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.access.invitations import invite as use  # noqa: PLC0415 -- as above

        await use.revoke_invitation(work, invitation_id=invitation_id)
        return {"invitation_id": invitation_id, "revoked": True}

    tell(run_in_tenant(tenant, body), as_json=as_json)
