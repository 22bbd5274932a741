"""What the admin API does to a client, alone or among many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from limen.access.nobody_above import check_not_above
from limen.access.speak_for import check_may_lend, check_may_speak_for
from limen.admin.parts import Parts
from limen.admin.schemas import ClientBody, ClientPatch, ClientView, NewSecret, RegisteredClient
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.oauth.clients import Clients
from limen.oauth.consent import is_remembered
from limen.oauth.model import Client
from limen.oauth.mutual_tls.offer import check_offered
from limen.oauth.registry.check_addresses import changed_addresses, check_addresses
from limen.oauth.registry.disable_client import delete_client, disable_client, enable_client
from limen.oauth.registry.register_client import (
    NewClient,
    named_members,
    register_client,
)
from limen.oauth.registry.rotate_client_secret import rotate_client_secret
from limen.oauth.registry.update_client import ClientChanges, client_not_found, update_client

Switch = Literal["disable", "enable", "delete"]

_SWITCHES: Final[Mapping[Switch, Callable[..., Awaitable[None]]]] = {
    "disable": disable_client,
    "enable": enable_client,
    "delete": delete_client,
}
_FLAGS: Final[tuple[str, ...]] = ("first_party", "trusted", "verified")
_MAY_BE_NULL: Final = frozenset({"rotates_refresh", "default_resource"})
"""Flags that ``null`` gives back to the rule."""


async def register_one(work: Work, parts: Parts, body: ClientBody) -> RegisteredClient:
    """Register a client.

    Raises:
        NotPermitted: Nobody would be asked about it, and it may do more than the actor.
    """
    new = _new(body)
    addresses = {**new.metadata, "redirect_uris": new.redirect_uris}
    check_offered(parts.mtls, named_members(new))
    await check_addresses(work, parts.net, addresses)
    made = await register_client(work, new=new, envelope=parts.envelope)
    await check_may_shape(work, made.client)
    return shown(made.client, made.raw_secret)


async def change_one(
    work: Work, parts: Parts, *, client_id: str, body: ClientPatch
) -> RegisteredClient:
    """Change some of what a client registered.

    Raises:
        NotPermitted: Its keys or ways to authenticate could be anybody's then, and it has
            roles that the actor could not give; or nobody is asked about it, before or after,
            and it may do more than the actor. As ``check_may_shape``.
    """
    await check_may_speak_for(work, principal_id=client_id)
    changes = _changes(body)
    check_offered(parts.mtls, changes.metadata)
    before = await Clients().fresh(work, client_id)
    if before is None:
        raise client_not_found()
    addresses = changed_addresses(before.metadata, changes.metadata)
    await check_addresses(work, parts.net, addresses)
    made = await update_client(work, client_id=client_id, changes=changes, envelope=parts.envelope)
    await check_may_shape(work, made.client, before=before)
    return shown(made.client, made.raw_secret)


async def check_may_shape(work: Work, client: Client, *, before: Client | None = None) -> None:
    """Refuse a client that lends its maker more than they have, as it was and as it would be.

    Such a client is one that nobody is asked about, or that people agreed to before it was given
    other addresses: these they are not asked about either.

    Args:
        work: Its actor made or changed the client, in this transaction.
        client: As it is from now on.
        before: As it was, if it is not new.

    Raises:
        NotPermitted: As ``check_may_lend``.
    """
    is_agreed_to = (
        before is not None
        and _reaches_more(client, before)
        and await is_remembered(work, client_id=client.client_id)
    )
    for state in (client,) if before is None else (before, client):
        if is_agreed_to or state.trusted or state.first_party:
            await check_may_lend(work, scope=state.scope)


def _reaches_more(client: Client, before: Client) -> bool:
    """Say whether its answers go elsewhere too, or say more: one after the other is both."""
    return bool(
        set(client.redirect_uris) - set(before.redirect_uris)
        or set(client.scope) - set(before.scope)
    )


async def switch_one(work: Work, *, client_id: str, to: Switch) -> None:
    """Disable a client, let it act again, or delete it.

    To end the ways in of a machine with roles takes them, to let it in again gives them (N205).

    Raises:
        NotFound: ``client_not_found``.
        NotPermitted: ``role_above_own``: its roles are not the actor's to take or to give.
        Conflict: ``client_built_in``.
    """
    await check_not_above(work, principal_id=client_id)
    await _SWITCHES[to](work, client_id=client_id)


async def rotate_one(work: Work, parts: Parts, *, client_id: str) -> NewSecret:
    """Give a client a new secret.

    Raises:
        NotPermitted: It has roles that the actor could not give.
    """
    await check_may_speak_for(work, principal_id=client_id)
    rotated = await rotate_client_secret(work, client_id=client_id, envelope=parts.envelope)
    return NewSecret(
        client_id=client_id,
        client_secret=rotated.raw_secret.reveal(),
        old_valid_until=rotated.old_valid_until,
    )


def shown(client: Client, raw_secret: Secret[str] | None) -> RegisteredClient:
    """Show a client with the secret it was just given."""
    view = ClientView.of(client).model_dump()
    raw = None if raw_secret is None else raw_secret.reveal()
    return RegisteredClient(**view, client_secret=raw)


def _new(body: ClientBody) -> NewClient:
    named = body.model_dump(include={"jwks", "jwks_uri", "profile"}, exclude_none=True)
    return NewClient(
        name=body.name,
        type=body.type,
        redirect_uris=body.redirect_uris,
        post_logout_redirect_uris=body.post_logout_redirect_uris,
        scope=_split(body.scope),
        default_scope=_split(body.default_scope),
        auth_method=body.token_endpoint_auth_method,
        grant_types=body.grant_types,
        allowed_origins=body.allowed_origins,
        require_pkce=body.require_pkce,
        first_party=body.first_party,
        trusted=body.trusted,
        rotates_refresh=body.rotates_refresh,
        default_resource=body.default_resource,
        client_id=body.client_id,
        metadata={**body.metadata, **named},
    )


def _changes(body: ClientPatch) -> ClientChanges:
    given = body.model_dump(exclude_unset=True, exclude_none=True, exclude=set(_MAY_BE_NULL))
    flags = {name: given.pop(name) for name in _FLAGS if name in given}
    flags |= {name: getattr(body, name) for name in _MAY_BE_NULL & body.model_fields_set}
    members: dict[str, Any] = dict(given.pop("metadata", {}))
    default_scope = given.pop("default_scope", None)
    if "name" in given:
        members["client_name"] = given.pop("name")
    for name, value in given.items():
        members[name] = list(value) if isinstance(value, tuple) else value
    return ClientChanges(metadata=members, default_scope=_split(default_scope), flags=flags)


def _split(scope: str | None) -> tuple[str, ...] | None:
    return None if scope is None else tuple(scope.split())
