"""``limen token``: list, revoke; who may exchange them, and who may introspect them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import find_tenant, opened, read_settings, run_in_tenant
from limen.cli.json_file import read_json_object
from limen.cli.say import AsJson, FromCursor, InTenant, progress, tell, tell_page
from limen.kernel.actor import OPERATOR

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work

group = typer.Typer(help="What clients hold for people or for themselves.", no_args_is_help=True)

_ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID")]
_OfUser = Annotated[str, typer.Option("--user", metavar="USER_ID", help="Only this person's.")]
_OfClient = Annotated[
    str, typer.Option("--client", metavar="CLIENT_ID", help="Only this client's.")
]


@group.command("list")
def show(
    *,
    user: _OfUser = "",
    client: _OfClient = "",
    cursor: FromCursor = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """List live tokens, a page at a time; the tokens themselves are never shown."""

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.issued_tokens import (  # noqa: PLC0415 -- loaded when it runs
            list_tokens,
            tokens_not_listed,
        )

        page = await list_tokens(
            work, runtime.envelope, cursor=cursor, user_id=user, client_id=client
        )
        tokens = [
            {
                "id": grant.id,
                "user_id": grant.user_id,
                "client_id": grant.client_id,
                "scope": " ".join(grant.scope),
                "expires_at": grant.expires_at.isoformat(),
            }
            for grant in page.items
        ]
        told: dict[str, Any] = {
            "tokens": tokens,
            "next_cursor": page.next_cursor,
            "not_listed": None,
        }
        known = await tokens_not_listed(work, client_id=client) if client and not user else None
        if known is not None:
            told["not_listed"] = {
                "client_id": known.client_id,
                "issued_since": known.issued_since and known.issued_since.isoformat(),
                "live_until": known.live_until.isoformat(),
            }
        return told

    page = run_in_tenant(tenant, body)
    tell_page(
        page,
        line=lambda each: (
            f"{each['id']}  {each['user_id'] or '-'}  {each['client_id']}  {each['scope']}"
        ),
        note=_say_not_listed(page["not_listed"]),
        none="No tokens that are listed." if page["not_listed"] else "No tokens.",
        as_json=as_json,
    )


def _say_not_listed(known: Mapping[str, Any] | None) -> str:
    if known is None:
        return ""
    since = f"Those issued before {known['issued_since']} have ended.\n"
    return (
        "JWTs that this client got for itself are not listed one by one: nothing is kept of them.\n"
        f"The newest has ended by {known['live_until']} at the latest.\n"
        f"{since if known['issued_since'] else ''}"
        f"To end all of them now: limen token revoke --client {known['client_id']}"
    )


@group.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="[ID]", help="One, as list names it.")] = "",
    *,
    user: _OfUser = "",
    client: _OfClient = "",
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """End one token, or all of a person, of a client, or of a person at a client.

    Of a whole client everything ends that was issued before now, its own JWTs too.
    """

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.registry.issued_tokens import revoke_tokens  # noqa: PLC0415 -- as above
        from limen.oauth.revocation.revoke_all import revoke_all_tokens  # noqa: PLC0415 -- as above

        if token_id:
            await revoke_tokens(work, grant_id=token_id, user_id=user or None)
            return {"revoked": 1, "issued_before": None}
        ended = await revoke_all_tokens(work, user_id=user, client_id=client)
        before = ended.issued_before and ended.issued_before.isoformat()
        return {"revoked": ended.revoked, "issued_before": before}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("exchange-policy")
def exchange_policy(
    client_id: _ClientId,
    *,
    file: Annotated[Path, typer.Option(metavar="FILE", help="The policy, as JSON.")],
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Set what a client may exchange tokens for; what is not named is refused."""
    members = read_json_object(file, field="policy")

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.exchange.policy import ExchangePolicy  # noqa: PLC0415 -- as above
        from limen.oauth.exchange.set_policy import set_exchange_policy  # noqa: PLC0415 -- as above

        policy = ExchangePolicy.read(members)
        await set_exchange_policy(work, client_id=client_id, policy=policy)
        return {"client_id": client_id, **policy.model_dump(mode="json")}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command()
def bind(
    client_id: _ClientId,
    resources: Annotated[
        list[str] | None, typer.Argument(metavar="[RESOURCE]...", help="All it belongs to.")
    ] = None,
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Say which APIs a client belongs to: it may introspect the tokens that are for them."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.oauth.introspection.bind_resources import (  # noqa: PLC0415 -- as above
            bind_resources,
        )

        bound = await bind_resources(work, client_id=client_id, resources=tuple(resources or ()))
        return {"client_id": client_id, "resources": list(bound)}

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("end-all")
def end_all(
    *,
    tenant: Annotated[
        str, typer.Option(metavar="SLUG", help="Only this tenant's; else everybody's.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """End every session, token and API key of everybody: for after a backup was put back.

    Repeat it if it was interrupted. What belongs to no person is not touched: look through
    secrets of clients, keys of service accounts, and people disabled since the backup.
    """
    tell({"people": asyncio.run(_end_all(tenant))}, as_json=as_json)


async def _end_all(slug: str) -> int:
    from limen.accounts.ending.end_all import end_next  # noqa: PLC0415 -- as above

    ended = 0
    async with opened(read_settings()) as runtime:
        everyone = await runtime.directory.all()
        for tenant in [await find_tenant(runtime, slug)] if slug else everyone:
            after = ""
            while people := await runtime.works.run(
                tenant, functools.partial(end_next, after=after), actor=OPERATOR
            ):
                ended, after = ended + len(people), people[-1]
                progress(f"{ended} people")
    return ended
